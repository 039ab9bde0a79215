#include "tools/ingot/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/status_matchers.h"

namespace ingot::tools {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class FakeVerb : public Verb {
 public:
  std::string name() const override { return "run"; }
  std::string summary() const override { return "runs"; }
  void Declare(OptionSet& options) override {
    options.Alias("output", 'o');
    options.Positional("MODEL", "the model", &model);
    options.Value("output", "a file", &output);
    options.Value("backend", "a backend", &backend);
    options.Value("rtol", "a number", &rtol);
    options.Value("seed", "an integer", &seed, -5, 100);
    options.Choice("format", "a format", {"text", "json"}, &format);
    options.List("input", "an input", &inputs);
    options.Flag("json", "JSON", &json);
  }
  absl::StatusOr<ExitCode> Run() override { return ExitCode::kOk; }

  std::string model, output, format;
  std::optional<std::string> backend;
  std::optional<double> rtol;
  int64_t seed = 0;
  std::vector<std::string> inputs;
  bool json = false;
};

class CommandLineTest : public testing::Test {
 protected:
  CommandLineTest() {
    verbs_.push_back(std::make_unique<FakeVerb>());
    verb_ = static_cast<FakeVerb*>(verbs_[0].get());
  }
  absl::StatusOr<ParsedCommand> Parse(const std::vector<std::string>& arguments) {
    return ParseCommandLine(verbs_, "1.2.3", arguments);
  }
  VerbList verbs_;
  FakeVerb* verb_;
};

TEST_F(CommandLineTest, TakesBothSpellingsOfAValue) {
  auto command = Parse({"run", "m.pt", "--backend=onednn", "--rtol", "1e-3", "-o", "x", "--json",
                        "--seed", "-3", "--format=json"});
  ASSERT_THAT(command, IsOk());
  EXPECT_EQ(command->verb, verb_);
  EXPECT_EQ(verb_->model, "m.pt");
  EXPECT_EQ(verb_->backend, "onednn");
  EXPECT_EQ(verb_->rtol, 1e-3);
  EXPECT_EQ(verb_->output, "x");
  EXPECT_EQ(verb_->seed, -3);
  EXPECT_EQ(verb_->format, "json");
  EXPECT_TRUE(verb_->json);
}

TEST_F(CommandLineTest, ListsKeepTheirOrderAndTheirEqualsSigns) {
  ASSERT_THAT(Parse({"run", "--input=2xf32=1,2", "--input", "f32=-1", "m.pt"}), IsOk());
  EXPECT_THAT(verb_->inputs, ElementsAre("2xf32=1,2", "f32=-1"));
  EXPECT_EQ(verb_->model, "m.pt");
}

TEST_F(CommandLineTest, MistakesAreOneLineWithAHint) {
  const std::pair<std::vector<std::string>, std::string> cases[] = {
      {{}, "no verb given; the verbs are run"},
      {{"fly"}, "unknown verb \"fly\"; the verbs are run"},
      {{"help", "fly"}, "unknown verb \"fly\""},
      {{"--nope"}, "unknown option --nope; a verb comes first"},
      {{"run", "m.pt", "--bakend=x"}, "unknown option --bakend; did you mean --backend?"},
      {{"run", "m.pt", "--zzz"}, "unknown option --zzz (see \"ingot run --help\")"},
      {{"run", "m.pt", "n.pt"}, "unexpected argument \"n.pt\""},
      {{"run"}, "MODEL is required"},
      {{"run", "m.pt", "--rtol=abc"}, "--rtol"},
      {{"run", "m.pt", "--rtol"}, "--rtol"},
      {{"run", "m.pt", "--seed=101"}, "101"},
      {{"run", "m.pt", "--format=xml"}, "\"xml\" is not one of text, json"},
      {{"run", "m.pt", "--json=3x"}, "json"}};
  for (const auto& [arguments, message] : cases) {
    auto command = Parse(arguments);
    EXPECT_THAT(command, StatusIs(absl::StatusCode::kInvalidArgument,
                                  AllOf(HasSubstr(message), Not(HasSubstr("\n")))));
    EXPECT_EQ(ExitCodeOf(command.status()), ExitCode::kUsage);
  }
}

TEST_F(CommandLineTest, HelpAndVersionArePrinted) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"--help"}, {"help"}, {"-h"}}) {
    auto command = Parse(arguments);
    ASSERT_THAT(command, IsOk());
    EXPECT_EQ(command->verb, nullptr);
    EXPECT_THAT(command->text, HasSubstr("run        runs"));
  }
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"run", "--help"}, {"help", "run"}}) {
    auto command = Parse(arguments);
    ASSERT_THAT(command, IsOk());
    EXPECT_THAT(command->text, HasSubstr("--backend"));
  }
  auto version = Parse({"--version"});
  ASSERT_THAT(version, IsOk());
  EXPECT_EQ(version->text, "ingot 1.2.3\n");
}

TEST(NearestTest, FindsTyposOnly) {
  const std::vector<std::string> names = {"--backend", "--threads", "--json"};
  EXPECT_EQ(Nearest("--thread", names), "--threads");
  EXPECT_EQ(Nearest("--jsn", names), "--json");
  EXPECT_EQ(Nearest("--completely", names), "");
}

}  // namespace
}  // namespace ingot::tools
