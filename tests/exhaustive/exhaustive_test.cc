// See README.md. main() takes the backend's name as its first argument.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/ir/builder.h"
#include "core/ops/registry.h"
#include "core/runtime/session.h"
#include "frontends/torch/ingot.h"
#include "frontends/torchscript/arguments.h"
#include "tests/exhaustive/bounds.h"
#include "tests/exhaustive/calls.h"
#include "tests/exhaustive/ulp.h"
#include "tests/fuzz/graphs/eager.h"

namespace ingot::exhaustive {
namespace {

std::string g_backend;
std::optional<Session> g_session;

at::Tensor AllPatterns(ir::DType dtype) {
  const at::Tensor bits = at::arange(0, 65536, at::kInt).to(at::kShort);
  return bits.view(dtype == ir::DType::kFloat16 ? at::kHalf : at::kBFloat16);
}

// The call as a graph; empty if the op does not take the dtype.
std::optional<fuzz::Case> MakeCase(const Call& call, ir::DType dtype) {
  ir::GraphBuilder builder(call.name);
  std::vector<ir::Argument> args = {ir::ValueRef{builder.Argument({dtype, {65536}})}};
  args.insert(args.end(), call.rest.begin(), call.rest.end());
  builder.Result(builder.Op(call.op, std::move(args)));
  absl::StatusOr<ir::Graph> graph = std::move(builder).Build();
  if (!graph.ok()) return std::nullopt;
  fuzz::Case c;
  c.graph = *std::move(graph);
  c.arguments.resize(1);
  c.placements.resize(1);
  return c;
}

absl::StatusOr<CompiledGraph> Compile(const fuzz::Case& c, const at::Tensor& operand) {
  absl::StatusOr<ir::Recording> recording = fuzz::ToRecording(c);
  auto clones = torchscript::CloneArguments({operand});
  if (!recording.ok() || !clones.ok()) return absl::InternalError("no recording");
  recording->signature = clones->signature;
  auto graph = g_session->runtime().Compile(*std::move(recording));
  if (!graph.ok()) return graph.status();
  return CompiledGraph(*std::move(graph));
}

uint64_t Bits(const at::Tensor& tensor, int64_t i) {
  const char* data = static_cast<const char*>(tensor.data_ptr()) + i * tensor.element_size();
  uint64_t bits = 0;
  std::memcpy(&bits, data, tensor.element_size());
  return bits;
}

std::string Describe(const at::Tensor& operand, const at::Tensor& actual,
                     const at::Tensor& expected, int64_t i) {
  const auto number = [i](const at::Tensor& t) {
    return absl::StrCat(t[i].to(at::kDouble).item<double>(), " (0x", absl::Hex(Bits(t, i)), ")");
  };
  return absl::StrCat("f(", number(operand), ") = ", number(actual), ", eager ", number(expected));
}

struct Difference {
  int64_t ulps = 0;            // the largest among finite results
  int64_t specials = 0;        // operands for which NaN, infinity or the sign of a zero differ
  std::string worst, special;  // where: the largest, the first
};

bool IsFinite(const at::Tensor& tensor, int64_t i) {
  return std::isfinite(tensor[i].to(at::kDouble).item<double>());
}

Difference Compare(const at::Tensor& operand, const at::Tensor& actual,
                   const at::Tensor& expected) {
  Difference difference;
  const bool is_float = expected.is_floating_point();
  const int width = static_cast<int>(expected.element_size()) * 8;
  const at::Tensor nan = at::isnan(expected), actual_nan = at::isnan(actual);
  for (int64_t i = 0; i < expected.numel(); ++i) {
    const uint64_t a = Bits(actual, i), e = Bits(expected, i);
    if (a == e || (nan.data_ptr<bool>()[i] && actual_nan.data_ptr<bool>()[i])) continue;
    // Zeros of the other sign are no step apart.
    const int64_t ulps = UlpDistance(a, e, width);
    if (!is_float || ulps == 0 || !IsFinite(actual, i) || !IsFinite(expected, i)) {
      if (difference.specials++ == 0) difference.special = Describe(operand, actual, expected, i);
    } else if (ulps > difference.ulps) {
      difference.ulps = ulps;
      difference.worst = Describe(operand, actual, expected, i);
    }
  }
  return difference;
}

void Check(const Call& call, ir::DType dtype) {
  const std::optional<fuzz::Case> c = MakeCase(call, dtype);
  if (!c) return;
  const at::Tensor operand = AllPatterns(dtype);
  const absl::StatusOr<fuzz::Eager> eager = fuzz::Eager::Create(*c);
  ASSERT_TRUE(eager.ok()) << eager.status();
  const absl::StatusOr<fuzz::Outcome> expected = eager->Run({operand}, {});
  if (!expected.ok()) return;  // eager refuses it
  const absl::StatusOr<CompiledGraph> graph = Compile(*c, operand);
  if (absl::IsUnimplemented(graph.status()) && g_backend == "onednn") {
    std::printf("rejected: %s %s\n", call.name.c_str(), std::string(ir::DTypeName(dtype)).c_str());
    return;
  }
  ASSERT_TRUE(graph.ok()) << graph.status();
  const absl::StatusOr<c10::IValue> actual = graph->Run({operand});
  ASSERT_TRUE(actual.ok()) << actual.status();
  const at::Tensor result = actual->toTensor().contiguous();
  ASSERT_EQ(result.scalar_type(), expected->results[0].scalar_type());
  const Difference difference = Compare(operand, result, expected->results[0].contiguous());
  const Bound none{};
  const Bound* bound = FindBound(g_backend, call.name, dtype);
  if (bound == nullptr) bound = &none;
  // Bounds, not equalities: eager's vectorised functions are others on AVX2 than on AVX-512.
  EXPECT_LE(difference.ulps, bound->ulps) << difference.worst;
  EXPECT_LE(difference.specials, bound->specials) << difference.special;
}

class ExhaustiveTest : public testing::Test {
 public:
  ExhaustiveTest(Call call, ir::DType dtype) : call_(std::move(call)), dtype_(dtype) {}
  void TestBody() override { Check(call_, dtype_); }

 private:
  const Call call_;
  const ir::DType dtype_;
};

void RegisterTests() {
  for (const Call& call : AllCalls()) {
    for (ir::DType dtype : {ir::DType::kFloat16, ir::DType::kBFloat16}) {
      testing::RegisterTest("Exhaustive",
                            absl::StrCat(call.name, "_", ir::DTypeName(dtype)).c_str(), nullptr,
                            nullptr, __FILE__, __LINE__,
                            [=]() -> testing::Test* { return new ExhaustiveTest(call, dtype); });
    }
  }
}

}  // namespace
}  // namespace ingot::exhaustive

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s BACKEND\n", argv[0]);
    return 2;
  }
  ingot::exhaustive::g_backend = argv[1];
  ingot::Options options;
  options.backend = argv[1];
  auto session = ingot::Session::Create(options);
  if (!session.ok()) {
    std::fprintf(stderr, "%s\n", session.status().ToString().c_str());
    return 1;
  }
  ingot::exhaustive::g_session = *std::move(session);
  ingot::exhaustive::RegisterTests();
  return RUN_ALL_TESTS();
}
