// One test an op: all its cases on the backend of --backend, compared with LibTorch eager.
//
// What a backend rejects must be listed in its table (--expectations): `op count`, one a line, the
// number of cases rejected. More or fewer is a failure, so that no gap opens or closes unseen.
// --write_expectations=FILE writes the table that would pass.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <string>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "core/ops/registry.h"
#include "core/plugin/backend.h"
#include "core/plugin/loader.h"
#include "tests/conformance/cases.h"
#include "tests/conformance/compare.h"
#include "tests/conformance/eager.h"
#include "tests/conformance/on_backend.h"
#include "tests/conformance/values.h"

ABSL_FLAG(std::string, backend, "", "path of the plugin");
ABSL_FLAG(std::string, expectations, "", "path of the table of rejected cases");
ABSL_FLAG(std::vector<std::string>, tables, {}, "paths of tables of cases");
ABSL_FLAG(std::string, recorded, "", "path of core/ops' recorded calls");
ABSL_FLAG(std::string, write_expectations, "", "where to write the table of rejected cases");

namespace ingot::conformance {
namespace {

constexpr int kShownFailures = 5;

struct Suite {
  std::shared_ptr<const plugin::Backend> backend;
  CasesByOp cases;
  std::map<std::string, int> expected_rejections, rejections;
};

// Where eager itself is further from the truth than assert_close allows, by prefix of the op.
struct OpSlack {
  const char* op;
  Slack slack;
  const char* reason;
};
constexpr OpSlack kSlacks[] = {
    {"aten::convolution", {4, 0}, "eager sums products in f32"},
    {"aten::linear", {4, 0}, "eager sums products in f32"},
    {"aten::matmul", {4, 0}, "eager sums products in f32"},
    {"aten::mm", {4, 0}, "eager sums products in f32"},
    {"aten::bmm", {4, 0}, "eager sums products in f32"},
    {"aten::addmm", {4, 0}, "eager sums products in f32"},
    {"aten::baddbmm", {4, 0}, "eager sums products in f32"},
    {"aten::addbmm", {4, 4}, "eager adds batch by batch, rounding to the half dtype"},
    {"aten::addmv", {4, 0}, "eager sums products in f32"},
    {"aten::dot", {4, 0}, "eager sums products in f32"},
    {"aten::nll_loss", {1, 1}, "eager sums in the half dtype"},
    {"aten::group_norm", {4, 0}, "eager multiplies by 1/sqrt(eps) before it subtracts the mean"},
    {"aten::logsumexp", {1, 1}, "eager rounds each step to the half dtype"},
    {"aten::scaled_dot_product_attention", {1, 1}, "eager rounds the weights to the half dtype"},
};

Slack SlackFor(const std::string& op) {
  for (const OpSlack& entry : kSlacks) {
    if (op.rfind(entry.op, 0) == 0) return entry.slack;
  }
  return {};
}

// Draws are compared by type only; their distribution is looked at below.
bool IsDrawn(const ops::Call& call) {
  if (!call.def->Is(ops::kRandom)) return false;
  if (call.def->schema.op != "aten::dropout") return true;
  return std::get<bool>(call.args[2]) && std::get<double>(call.args[1]) != 0;
}

class OpTest : public testing::Test {
 public:
  OpTest(Suite& suite, std::string op) : suite_(suite), op_(std::move(op)) {}

  void TestBody() override {
    int compared = 0, refused = 0;
    for (const Case& c : suite_.cases[op_]) {
      absl::StatusOr<ops::Call> call = ops::ParseCall(op_, c.args);
      ASSERT_TRUE(call.ok()) << call.status();
      // Different operands for every case, the same in every run.
      const uint64_t seed = std::hash<std::string>()(op_ + c.args);
      const std::vector<HostTensor> operands = MakeOperands(*call, seed);
      const auto expected = RunEager(*call, operands);
      if (!expected.ok()) {
        ++refused;
        last_refusal_ = absl::StrCat(c.args, ": ", expected.status().message());
        continue;
      }
      for (Passing passing : {Passing::kArguments, Passing::kNumbers, Passing::kConstants}) {
        if (!Applies(*call, passing) || (c.recorded && passing == Passing::kConstants)) continue;
        Compare(*call, operands, *expected, passing, c.args);
        ++compared;
      }
    }
    EXPECT_GT(compared, 0) << "eager refuses all cases, e.g. " << last_refusal_;
    EXPECT_EQ(failures_, 0) << failures_ << " of " << compared << " comparisons failed";
    CheckRejections();
    RecordProperty("compared", compared);
    RecordProperty("refused_by_eager", refused);
    RecordProperty("rejected", rejected_);
  }

 private:
  void Compare(const ops::Call& call, const std::vector<HostTensor>& operands,
               const std::vector<HostTensor>& expected, Passing passing, const std::string& args) {
    const auto actual = RunOnBackend(*suite_.backend, call, operands, passing);
    if (!actual.ok() && actual.status().code() == absl::StatusCode::kUnimplemented) {
      ++rejected_;
      reasons_.insert(std::string(actual.status().message()));
      return;
    }
    std::string why = actual.ok() ? "" : actual.status().ToString();
    if (actual.ok() && actual->size() != expected.size()) {
      why = absl::StrCat(actual->size(), " results, expected ", expected.size());
    }
    for (size_t i = 0; why.empty() && i < expected.size(); ++i) {
      if (IsDrawn(call)) {
        if ((*actual)[i].type() != expected[i].type()) why = "wrong type";
        continue;
      }
      why = Difference((*actual)[i], expected[i], SlackFor(op_));
      if (!why.empty()) why = absl::StrCat("result ", i, ": ", why);
    }
    if (why.empty() || ++failures_ > kShownFailures) return;
    ADD_FAILURE() << op_ << " | " << args << "\n  (" << Name(passing) << ") " << why;
  }

  void CheckRejections() {
    if (rejected_ > 0) suite_.rejections[op_] = rejected_;
    if (!absl::GetFlag(FLAGS_write_expectations).empty()) return;
    const auto expected = suite_.expected_rejections.find(op_);
    EXPECT_EQ(rejected_, expected == suite_.expected_rejections.end() ? 0 : expected->second)
        << "cases that the backend rejects; update its table. First reason: "
        << (reasons_.empty() ? "" : *reasons_.begin());
  }

  Suite& suite_;
  const std::string op_;
  int failures_ = 0, rejected_ = 0;
  std::set<std::string> reasons_;
  std::string last_refusal_;
};

// What many draws of an op must look like.
struct Distribution {
  const char* op;
  const char* args;
  double mean, variance;
};
constexpr Distribution kDistributions[] = {
    {"aten::rand", "[50 40]", 0.5, 1.0 / 12},
    {"aten::rand_like", "f64[50,40]", 0.5, 1.0 / 12},
    {"aten::randn", "[50 40]", 0, 1},
    {"aten::randn_like", "f64[50,40]", 0, 1},
    {"aten::bernoulli", "f32[50,40]:ones", 1, 0},
    {"aten::bernoulli.p", "f32[50,40] ; 0.25", 0.25, 0.1875},
    {"aten::normal_functional", "f32[50,40] ; 2.0 ; 0.5", 2, 0.25},
    {"aten::dropout", "f32[50,40]:ones ; 0.2 ; true", 1, 0.25},
};

// Mean and variance over seeds, the same draw for the same seed, another for another.
class DistributionTest : public testing::Test {
 public:
  DistributionTest(Suite& suite, const Distribution& distribution)
      : suite_(suite), distribution_(distribution) {}

  void TestBody() override {
    const auto call = ops::ParseCall(distribution_.op, distribution_.args);
    ASSERT_TRUE(call.ok()) << call.status();
    constexpr int kSeeds = 64;
    double count = 0, sum = 0, squares = 0;
    std::vector<HostTensor> draws;
    for (int seed = 0; seed < kSeeds; ++seed) {
      auto results =
          RunOnBackend(*suite_.backend, *call, MakeOperands(*call, seed), Passing::kArguments);
      if (!results.ok() && absl::IsUnimplemented(results.status())) return;  // counted by OpTest
      ASSERT_TRUE(results.ok()) << results.status();
      for (int64_t i = 0; i < (*results)[0].NumComponents(); ++i) {
        const double x = (*results)[0].Double(i) - distribution_.mean;
        ++count;
        sum += x;
        squares += x * x;
      }
      draws.push_back(std::move((*results)[0]));
    }
    // Five standard errors; that of the variance by the normal distribution's fourth moment, an
    // upper bound here.
    const double error = 5 / std::sqrt(count);
    EXPECT_NEAR(sum / count, 0, error * std::sqrt(distribution_.variance));
    EXPECT_NEAR(squares / count, distribution_.variance,
                error * std::sqrt(2.0) * std::max(distribution_.variance, 0.25) *
                    (distribution_.variance > 0 ? 2 : 0));
    if (distribution_.variance == 0) return;
    for (int seed = 1; seed < kSeeds; ++seed) {
      EXPECT_FALSE(draws[seed].SameBytes(draws[seed - 1])) << "seeds " << seed - 1 << ", " << seed;
    }
  }

 private:
  Suite& suite_;
  const Distribution& distribution_;
};

class CoverageTest : public testing::Test {
 public:
  explicit CoverageTest(Suite& suite) : suite_(suite) {}
  void TestBody() override {
    for (const ops::OpDef* def : ops::AllOps()) {
      EXPECT_EQ(suite_.cases.count(def->schema.op), 1u) << "no case for " << def->schema.op;
    }
    for (const auto& [op, count] : suite_.expected_rejections) {
      EXPECT_NE(ops::FindOp(op), nullptr) << "the table names the unknown op " << op;
    }
  }

 private:
  Suite& suite_;
};

absl::Status Load(Suite& suite) {
  auto plugin = plugin::LoadPlugin(absl::GetFlag(FLAGS_backend));
  if (!plugin.ok()) return plugin.status();
  auto backend = plugin::Backend::Create(*std::move(plugin), {});
  if (!backend.ok()) return backend.status();
  suite.backend = *std::move(backend);
  for (const std::string& table : absl::GetFlag(FLAGS_tables)) {
    if (absl::Status status = AddTable(table, suite.cases); !status.ok()) return status;
  }
  if (!absl::GetFlag(FLAGS_recorded).empty()) {
    absl::Status status = AddRecorded(absl::GetFlag(FLAGS_recorded), suite.cases);
    if (!status.ok()) return status;
  }
  std::ifstream in(absl::GetFlag(FLAGS_expectations));
  if (!in.is_open()) return absl::NotFoundError("--expectations cannot be read");
  std::string op;
  for (int count; in >> op >> count;) suite.expected_rejections[op] = count;
  return in.eof() ? absl::OkStatus() : absl::InvalidArgumentError("--expectations is malformed");
}

void Register(Suite& suite) {
  for (const auto& [op, cases] : suite.cases) {
    const std::string name = absl::StrReplaceAll(op, {{"aten::", ""}, {".", "_"}});
    testing::RegisterTest("Conformance", name.c_str(), nullptr, nullptr, __FILE__, __LINE__,
                          [&suite, op = op]() -> testing::Test* { return new OpTest(suite, op); });
  }
  for (const Distribution& d : kDistributions) {
    const std::string name = absl::StrReplaceAll(d.op, {{"aten::", ""}, {".", "_"}});
    testing::RegisterTest(
        "Distribution", name.c_str(), nullptr, nullptr, __FILE__, __LINE__,
        [&suite, &d]() -> testing::Test* { return new DistributionTest(suite, d); });
  }
  testing::RegisterTest("Coverage", "EveryOpHasCases", nullptr, nullptr, __FILE__, __LINE__,
                        [&suite]() -> testing::Test* { return new CoverageTest(suite); });
}

void WriteExpectations(const Suite& suite) {
  std::ofstream out(absl::GetFlag(FLAGS_write_expectations));
  for (const auto& [op, count] : suite.rejections) out << op << " " << count << "\n";
}

int Main() {
  Suite suite;
  if (absl::Status status = Load(suite); !status.ok()) {
    std::cerr << status << "\n";
    return 2;
  }
  Register(suite);
  const int result = RUN_ALL_TESTS();
  if (!absl::GetFlag(FLAGS_write_expectations).empty()) WriteExpectations(suite);
  return result;
}

}  // namespace
}  // namespace ingot::conformance

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  absl::ParseCommandLine(argc, argv);
  return ingot::conformance::Main();
}
