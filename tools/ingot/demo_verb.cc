// ingot demo: the main job on a real pretrained model, in words a newcomer understands.
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "core/base/status_macros.h"
#include "core/plugin/shared_object.h"
#include "core/runtime/session.h"
#include "tools/ingot/call.h"
#include "tools/ingot/common_flags.h"
#include "tools/ingot/compare.h"
#include "tools/ingot/compile.h"
#include "tools/ingot/console.h"
#include "tools/ingot/elements.h"
#include "tools/ingot/files.h"
#include "tools/ingot/load_generator.h"
#include "tools/ingot/statistics.h"
#include "tools/ingot/verbs.h"
#include "tools/ingot/wordpiece.h"

namespace ingot::tools {
namespace {

// As many sentences and tokens as the model was traced with.
const std::vector<std::string>& Sentences() {
  static const auto& sentences = *new std::vector<std::string>{
      "A cat sleeps on the sofa.", "A kitten is napping on the couch.",
      "The stock market fell sharply today.", "Share prices dropped this afternoon."};
  return sentences;
}
constexpr int64_t kTokens = 32;

constexpr absl::Duration kMeasured = absl::Seconds(1);

// What one backend made of the model.
struct BackendRow {
  std::string name, problem;  // problem: why it has no numbers
  absl::Duration compile, again;
  bool cached = false;
  double call_us = 0, eager_us = 0, frozen_us = 0;
  double max_abs_err = 0;
};

std::string Ms(absl::Duration d) {
  return absl::StrFormat("%.1f ms", absl::ToDoubleMilliseconds(d));
}

// One row of the table for people.
std::string RowText(const BackendRow& row) {
  if (!row.problem.empty()) return absl::StrFormat("   %-12s %s\n", row.name, row.problem);
  return absl::StrFormat("   %-12s %9s %9.2f ms %8.2fx %13.2fx %14.1e\n", row.name, Ms(row.compile),
                         row.call_us / 1e3, row.eager_us / row.call_us, row.frozen_us / row.call_us,
                         row.max_abs_err);
}

Json RowJson(const BackendRow& row) {
  if (!row.problem.empty()) return {{"backend", row.name}, {"problem", row.problem}};
  return {{"backend", row.name},
          {"compile_ms", Rounded(absl::ToDoubleMilliseconds(row.compile))},
          {"second_extract_ms", Rounded(absl::ToDoubleMilliseconds(row.again))},
          {"second_extract_cached", row.cached},
          {"call_us", Rounded(row.call_us)},
          {"torchscript_us", Rounded(row.eager_us)},
          {"frozen_torchscript_us", Rounded(row.frozen_us)},
          {"max_abs_err", row.max_abs_err}};
}

// Cosines of all pairs of rows, which have unit length.
std::vector<std::vector<double>> Similarities(const ingot_tensor& embeddings) {
  const ir::Dims dims = TypeOf(embeddings).dims;
  const std::vector<double> values = ElementsAsDouble(embeddings);
  const size_t rows = static_cast<size_t>(dims[0]), width = static_cast<size_t>(dims[1]);
  std::vector<std::vector<double>> cosines(rows, std::vector<double>(rows, 0));
  for (size_t i = 0; i < rows; ++i) {
    for (size_t j = 0; j < rows; ++j) {
      for (size_t k = 0; k < width; ++k) {
        cosines[i][j] += values[i * width + k] * values[j * width + k];
      }
    }
  }
  return cosines;
}

class DemoVerb : public Verb {
 public:
  std::string name() const override { return "demo"; }
  std::string summary() const override {
    return "show the main job on a real model, all-MiniLM-L6-v2";
  }
  void Declare(OptionSet& options) override {
    options.Value("model-dir", "folder with minilm.pt and minilm.vocab.txt", &folder_);
    options.Value("threads", "threads of the compiled graph; 0: all CPUs this process may use",
                  &flags_.threads);
    options.Flag("json", "print one JSON object", &flags_.json);
  }

  absl::StatusOr<ExitCode> Run() override {
    INGOT_RETURN_IF_ERROR(LoadModel());
    INGOT_RETURN_IF_ERROR(RecordModel());
    INGOT_RETURN_IF_ERROR(TryBackends());
    return Finish();
  }

 private:
  void Say(const std::string& text) const {
    if (!flags_.json) PrintText(text);
  }

  absl::Status LoadModel() {
    INGOT_ASSIGN_OR_RETURN(const std::string folder, FindModelFolder());
    path_ = absl::StrCat(folder, "/minilm.pt");
    Say("ingot runs PyTorch models from C++: it records the model once, compiles it, and reruns "
        "it\nwith fresh arguments. Here with all-MiniLM-L6-v2, which turns sentences into vectors "
        "such\nthat sentences of like meaning get like vectors.\n\n");
    auto vocabulary = ReadFile(absl::StrCat(folder, "/minilm.vocab.txt"));
    INGOT_RETURN_IF_ERROR(AtStage(Stage::kModel, vocabulary.status()));
    INGOT_ASSIGN_OR_RETURN(const WordPiece tokenizer, WordPiece::Create(*vocabulary));
    INGOT_ASSIGN_OR_RETURN(Arguments arguments, Tokenize(tokenizer));
    INGOT_ASSIGN_OR_RETURN(opened_, Open(path_, flags_, std::move(arguments)));
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> FindModelFolder() const {
    if (!folder_.empty()) return folder_;
    for (const std::string& folder : plugin::ExecutableFolders("tools/models")) {
      if (access(absl::StrCat(folder, "/minilm.pt").c_str(), R_OK) == 0) return folder;
    }
    return AtStage(Stage::kModel,
                   absl::NotFoundError("minilm.pt is not beside this program: start it with "
                                       "\"./bazelw run //tools/ingot -- demo\", or give "
                                       "--model-dir"));
  }

  absl::StatusOr<Arguments> Tokenize(const WordPiece& tokenizer) const {
    const TokenBatch batch = tokenizer.EncodeBatch(Sentences(), kTokens);
    Arguments arguments;
    for (const std::vector<int64_t>* tokens : {&batch.ids, &batch.mask}) {
      INGOT_ASSIGN_OR_RETURN(
          runtime::HostTensor tensor,
          runtime::HostTensor::Create({ir::DType::kInt64, {batch.sentences, batch.width}}));
      std::copy(tokens->begin(), tokens->end(), tensor.data<int64_t>());
      arguments.push_back(std::move(tensor));
    }
    return arguments;
  }

  absl::Status RecordModel() {
    const absl::Time begin = absl::Now();
    INGOT_ASSIGN_OR_RETURN(recording_, Record(path_, opened_));
    record_time_ = absl::Now() - begin;
    int64_t bytes = 0;
    for (const ir::Constant& constant : recording_.constants) bytes += constant.type.NumBytes();
    Say(absl::StrFormat(
        "1. Loaded %s in %s (LibTorch, which reads it, is loaded on demand).\n2. Recorded it in "
        "%s: one run on clones of %d tokenised sentences %s gave a\n   graph of %d ops with %d "
        "weights (%.0f MB).\n\n",
        "minilm.pt", Ms(opened_.load_time), Ms(record_time_), Sentences().size(),
        ir::ToString(recording_.signature), recording_.graph.nodes().size(),
        recording_.constants.size(), static_cast<double>(bytes) / 1e6));
    INGOT_ASSIGN_OR_RETURN(eager_, opened_.model->CreateOracle(OracleMode::kEager));
    INGOT_ASSIGN_OR_RETURN(frozen_, opened_.model->CreateOracle(OracleMode::kFrozen));
    INGOT_ASSIGN_OR_RETURN(expected_, eager_->Run(opened_.arguments, 0));
    return absl::OkStatus();
  }

  absl::Status TryBackends() {
    Say(absl::StrFormat(
        "3. Compiled it on each backend, picked at run time, %d threads, nothing left to another "
        "backend.\n   \"times as fast\": as plain TorchScript, and as TorchScript after freeze and "
        "optimize_for_inference.\n",
        runtime::EffectiveThreads(opened_.options.threads)));
    Say("   backend        compile    a call   as plain     as frozen     max |error|");
    for (const runtime::BackendListing& listing : runtime::ListBackends(opened_.options)) {
      BackendRow row;
      row.name = listing.name;
      row.problem = listing.unavailable;
      if (row.problem.empty()) {
        const absl::Status status = TryBackend(row);
        if (!status.ok()) row.problem = OneLine(status);
      }
      if (!flags_.json) PrintText(RowText(row));
      rows_.push_back(std::move(row));
    }
    return absl::OkStatus();
  }

  absl::Status TryBackend(BackendRow& row) {
    runtime::Options options = opened_.options;
    options.backend = row.name;
    options.fallback = runtime::FallbackPolicy::kForbid;
    INGOT_ASSIGN_OR_RETURN(const auto session, CreateSession(options));
    absl::Time begin = absl::Now();
    INGOT_ASSIGN_OR_RETURN(const auto graph, Compile(*session, recording_));
    row.compile = absl::Now() - begin;
    INGOT_ASSIGN_OR_RETURN(Call call, Call::Create(graph, opened_.arguments));
    INGOT_RETURN_IF_ERROR(call.Run({}));
    row.max_abs_err =
        Compare(call.result(0), expected_.results[0].view(), Tolerances()).max_abs_err;
    similarities_ = Similarities(call.result(0));
    INGOT_RETURN_IF_ERROR(Measure(call, row));
    begin = absl::Now();
    INGOT_ASSIGN_OR_RETURN(const auto again, Compile(*session, recording_));
    row.again = absl::Now() - begin;
    row.cached = std::all_of(again->groups().begin(), again->groups().end(),
                             [](const runtime::GroupReport& group) { return group.cached; });
    return absl::OkStatus();
  }

  absl::Status Measure(Call& call, BackendRow& row) {
    const Progress progress(absl::StrCat("measuring ", row.name));
    const std::pair<LoadFunction, double*> contenders[] = {
        {[&](int) { return call.Run({}); }, &row.call_us},
        {[&](int) { return eager_->RunOnly(opened_.arguments, 0); }, &row.eager_us},
        {[&](int) { return frozen_->RunOnly(opened_.arguments, 0); }, &row.frozen_us}};
    constexpr int kRounds = 3;
    LoadOptions options;
    options.duration = kMeasured / kRounds;
    std::vector<double> times[std::size(contenders)];
    // In turns, so that a machine that grows slower treats all alike.
    for (int round = 0; round < kRounds; ++round) {
      for (size_t i = 0; i < std::size(contenders); ++i) {
        INGOT_ASSIGN_OR_RETURN(const std::vector<double> measured,
                               RunClosedLoop(options, contenders[i].first));
        times[i].insert(times[i].end(), measured.begin(), measured.end());
      }
    }
    for (size_t i = 0; i < std::size(contenders); ++i) {
      *contenders[i].second = Percentile(times[i], 50);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<ExitCode> Finish() {
    const bool some = std::any_of(rows_.begin(), rows_.end(),
                                  [](const BackendRow& row) { return row.problem.empty(); });
    if (flags_.json) {
      PrintReport();
    } else if (some) {
      SayCached();
      SaySimilarities();
      Say("\nNext: \"ingot extract m.pt --inputs=m.npz -o m.ingot\" saves a model so that \"ingot "
          "run m.ingot\" needs\nno LibTorch; \"ingot verify\" compares any model of yours; \"ingot "
          "--help\" shows the rest.");
    }
    if (some) return ExitCode::kOk;
    return AtStage(Stage::kBackend,
                   absl::FailedPreconditionError("no backend could run the model"));
  }

  void SayCached() const {
    std::string text =
        "\n4. Extracted again, as a restarted request or another thread would: the compiled graph "
        "is cached.\n";
    for (const BackendRow& row : rows_) {
      if (!row.problem.empty()) continue;
      absl::StrAppendFormat(&text,
                            "   %-12s %s instead of %s%s; extraction costs as much as %.0f "
                            "calls, once\n",
                            row.name, Ms(row.again), Ms(row.compile),
                            row.cached ? ", a cache hit" : ", NOT from the cache",
                            absl::ToDoubleMicroseconds(record_time_ + row.compile) / row.call_us);
    }
    PrintText(text);
  }

  void SaySimilarities() const {
    std::string text = "\n5. What it is good for: how alike the sentences are (1 is the same).\n";
    for (size_t i = 0; i < similarities_.size(); ++i) {
      absl::StrAppendFormat(&text, "   %c", 'A' + static_cast<char>(i));
      for (const double cosine : similarities_[i]) absl::StrAppendFormat(&text, " %6.2f", cosine);
      absl::StrAppend(&text, "   ", Sentences()[i], "\n");
    }
    PrintText(text);
  }

  void PrintReport() const {
    Json backends = Json::array();
    for (const BackendRow& row : rows_) backends.push_back(RowJson(row));
    Json cosines = Json::array();
    for (const std::vector<double>& row : similarities_) {
      Json values = Json::array();
      for (const double cosine : row) values.push_back(Rounded(cosine, 4));
      cosines.push_back(std::move(values));
    }
    PrintJsonLine({{"model", path_},
                   {"load_ms", Rounded(absl::ToDoubleMilliseconds(opened_.load_time))},
                   {"extract_ms", Rounded(absl::ToDoubleMilliseconds(record_time_))},
                   {"nodes", recording_.graph.nodes().size()},
                   {"backends", backends},
                   {"sentences", Sentences()},
                   {"similarity", cosines}});
  }

  std::string folder_, path_;
  CommonFlags flags_;
  Opened opened_;
  ir::Recording recording_;
  absl::Duration record_time_;
  std::unique_ptr<Oracle> eager_, frozen_;
  Outcome expected_;
  std::vector<BackendRow> rows_;
  std::vector<std::vector<double>> similarities_;
};

}  // namespace

std::unique_ptr<Verb> MakeDemoVerb() { return std::make_unique<DemoVerb>(); }

}  // namespace ingot::tools
