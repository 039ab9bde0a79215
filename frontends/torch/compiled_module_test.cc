#include "frontends/torch/compiled_module.h"

#include <ATen/EmptyTensor.h>
#include <torch/script.h>

#include <cmath>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "core/base/status_matchers.h"
#include "core/runtime/session.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ingot {
namespace {

using c10::IValue;
using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using Event = runtime::Specializations::Event;

Session NewSession(Options options = {}) {
  if (options.backend == "auto") options.backend = "torchscript";
  absl::StatusOr<Session> session = Session::Create(options);
  EXPECT_THAT(session, IsOk());
  return *std::move(session);
}

Session LenientSession() {
  Options options;
  options.fallback = FallbackPolicy::kAllow;
  return NewSession(options);
}

torch::jit::Module Define(const std::string& source) {
  torch::jit::Module module("m");
  module.define(source);
  module.eval();
  return module;
}

// A running mean that the call updates and returns the distance from.
torch::jit::Module RunningMean() {
  torch::jit::Module module("running_mean");
  module.register_buffer("mean", at::zeros({3}));
  module.define(
      "def forward(self, x):\n"
      "    self.mean.mul_(0.5).add_(x.mean(0) * 0.5)\n"
      "    return x - self.mean\n");
  return module;
}

void ExpectClose(const absl::StatusOr<IValue>& actual, const IValue& expected) {
  ASSERT_THAT(actual, IsOk());
  EXPECT_TRUE(at::allclose(actual->toTensor(), expected.toTensor())) << actual->toTensor() << "\n"
                                                                     << expected.toTensor();
}

TEST(CompiledModuleTest, CompilesEachSignatureOnceAndSaysWhy) {
  const torch::jit::Module module = Define("def forward(self, a, b):\n    return a - b\n");
  const CompiledModule model(NewSession(), module);
  for (int round = 0; round < 3; ++round) {
    for (int64_t size = 2; size <= 4; ++size) {
      const at::Tensor a = at::rand({size, 3}), b = at::rand({size, 3});
      ExpectClose(model.Run({a, b}), a - b);
    }
  }
  EXPECT_THAT(model.Explain(),
              ElementsAre(Field(&Event::reason, "first call"),
                          Field(&Event::reason, "argument 0 is f32[3,3], not f32[2,3]"),
                          Field(&Event::reason, "argument 0 is f32[4,3], not f32[3,3]")));
}

TEST(CompiledModuleTest, EveryPartOfASignatureIsGuarded) {
  const torch::jit::Module module =
      Define("def forward(self, a, b, n: int):\n    a.add_(b)\n    return a * n\n");
  const at::Tensor base = at::rand({8});
  struct Case {
    const char* name;
    std::vector<IValue> (*arguments)();
  };
  const Case cases[] = {
      {"plain",
       [] {
         return std::vector<IValue>{at::rand({2, 2}), at::rand({2, 2}), 2};
       }},
      {"broadcast",
       [] {
         return std::vector<IValue>{at::rand({2, 2}), at::rand({2}), 2};
       }},
      {"dtype",
       [] {
         return std::vector<IValue>{at::rand({2, 2}, at::kDouble), at::rand({2}), 2};
       }},
      {"strides",
       [] {
         return std::vector<IValue>{at::rand({2, 2}).t(), at::rand({2, 2}), 2};
       }},
      {"number",
       [] {
         return std::vector<IValue>{at::rand({2, 2}), at::rand({2, 2}), 3};
       }},
      {"same tensor",
       [] {
         const at::Tensor x = at::rand({2, 2});
         return std::vector<IValue>{x, x, 2};
       }},
      {"transposed self",
       [] {
         const at::Tensor x = at::rand({2, 2});
         return std::vector<IValue>{x, x.t().clone(), 2};
       }},
  };
  const CompiledModule model(NewSession(), module);
  for (int round = 0; round < 2; ++round) {
    for (const Case& c : cases) {
      at::manual_seed(round);
      const std::vector<IValue> actual = c.arguments();
      at::manual_seed(round);
      const std::vector<IValue> expected = c.arguments();
      torch::jit::Module eager = module;
      const IValue result = eager.forward(expected);
      SCOPED_TRACE(c.name);
      ExpectClose(model.Run(actual), result);
      EXPECT_TRUE(at::allclose(actual[0].toTensor(), expected[0].toTensor()));
    }
  }
}

TEST(CompiledModuleTest, TakesKeywordArguments) {
  const torch::jit::Module module =
      Define("def forward(self, x, scale: float = 2.0):\n    return x * scale\n");
  const CompiledModule model(NewSession(), module);
  const at::Tensor x = at::rand({2});
  ExpectClose(model.Run({x}), x * 2);
  ExpectClose(model.Run({x}, {{"scale", 3.0}}), x * 3);
  ExpectClose(model.Run({}, {{"scale", 3.0}, {"x", x}}), x * 3);
  EXPECT_THAT(model.Run({x}, {{"sclae", 3.0}}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'sclae'")));
}

TEST(CompiledModuleTest, NumbersThatAreDataDoNotCompileAgain) {
  const torch::jit::Module module = Define(
      "def forward(self, x, scale: float, shift: int):\n"
      "    return torch.addcmul(x * scale, x, x, value=scale) + shift\n");
  const CompiledModule model(NewSession(), module);
  const absl::StatusOr<CompiledGraph> graph = NewSession().Extract(module, {at::rand({3}), 1.5, 2});
  ASSERT_THAT(graph, IsOk());
  for (int call = 0; call < 10; ++call) {
    const at::Tensor x = at::rand({3});
    const double scale = 0.5 * call;
    torch::jit::Module eager = module;
    const IValue expected = eager.forward({x, scale, call});
    ExpectClose(model.Run({x, scale, call}), expected);
    ExpectClose(graph->Run({x, scale, call}), expected);
  }
  EXPECT_EQ(model.Explain().size(), 1u);
}

TEST(CompiledModuleTest, NumbersThatEndInConstantsCompileAgain) {
  torch::jit::Module module("m");
  module.register_parameter("weight", at::ones({2}), false);
  module.define("def forward(self, x, s: float):\n    return x + self.weight * s\n");
  const CompiledModule model(NewSession(), module);
  for (const double s : {1.0, 2.0, 1.0}) {
    const at::Tensor x = at::rand({2});
    ExpectClose(model.Run({x, s}), x + s);
  }
  EXPECT_EQ(model.Explain().size(), 2u);
}

TEST(CompiledModuleTest, StateGoesOnOverSignaturesAndLeavesTheModuleAlone) {
  const torch::jit::Module module = RunningMean();
  torch::jit::Module eager = module.deepcopy();
  const CompiledModule model(NewSession(), module);
  for (int call = 0; call < 20; ++call) {
    const at::Tensor x = at::rand({2 + call % 3, 3});
    ExpectClose(model.Run({x}), eager.forward({x}));
  }
  const std::vector<runtime::State::Buffer> state = model.ExportState();
  ASSERT_EQ(state.size(), 1u);
  EXPECT_EQ(state[0].name, "mean");
  const at::Tensor exported = at::from_blob(const_cast<char*>(state[0].bytes.data()), {3});
  EXPECT_TRUE(at::allclose(exported, eager.attr("mean").toTensor()));
  EXPECT_TRUE(at::equal(module.attr("mean").toTensor(), at::zeros({3})));
  EXPECT_EQ(model.Explain().size(), 3u);

  model.ResetState();
  const at::Tensor x = at::rand({2, 3});
  ExpectClose(model.Run({x}), RunningMean().forward({x}));
}

TEST(CompiledModuleTest, StreamsHaveStatesOfTheirOwn) {
  const torch::jit::Module module = RunningMean();
  const CompiledModule model(NewSession(), module);
  std::vector<std::thread> threads;
  for (int stream = 0; stream < 4; ++stream) {
    threads.emplace_back([&, stream] {
      torch::jit::Module eager = module.deepcopy();
      const std::unique_ptr<runtime::State> state = model.NewState();
      RunContext context;
      context.state = state.get();
      for (int call = 0; call < 20; ++call) {
        const at::Tensor x = at::full({2 + call % 2, 3}, 0.5 * (stream + call));
        ExpectClose(model.Run({x}, context), eager.forward({x}));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(CompiledModuleTest, AStateOfAnotherModelIsRefused) {
  const CompiledModule model(NewSession(), RunningMean()), other(NewSession(), RunningMean());
  const std::unique_ptr<runtime::State> state = other.NewState();
  RunContext context;
  context.state = state.get();
  const at::Tensor x = at::rand({2, 3});
  EXPECT_THAT(model.Run({x}, context),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("another program")));
}

TEST(CompiledModuleTest, ChangedWeightsAndAttributesAreSeen) {
  torch::jit::Module module("scaled");
  module.register_parameter("weight", at::ones({2}), false);
  module.register_attribute("offset", c10::IntType::get(), int64_t{1});
  module.define("def forward(self, x):\n    return x * self.weight + self.offset\n");
  const CompiledModule model(NewSession(), module);
  const at::Tensor x = at::rand({2});
  ExpectClose(model.Run({x}), x + 1);
  {
    const at::NoGradGuard no_grad;
    module.attr("weight").toTensor().mul_(3);
  }
  ExpectClose(model.Run({x}), x * 3 + 1);
  module.setattr("offset", int64_t{5});
  ExpectClose(model.Run({x}), x * 3 + 5);
  EXPECT_THAT(model.Explain(),
              ElementsAre(Field(&Event::reason, "first call"),
                          Field(&Event::reason, HasSubstr("\"weight\" was written")),
                          Field(&Event::reason, HasSubstr("\"offset\" was changed"))));
}

TEST(CompiledModuleTest, CompilationsAreBounded) {
  Options options;
  options.max_specializations = 2;
  const CompiledModule model(NewSession(options), Define("def forward(self, x):\n    return -x\n"));
  EXPECT_THAT(model.Run({at::rand({1})}), IsOk());
  EXPECT_THAT(model.Run({at::rand({2})}), IsOk());
  EXPECT_THAT(model.Run({at::rand({3})}), StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(model.Run({at::rand({2})}), IsOk());
}

struct Dependent {
  const char* op;
  const char* source;
};
constexpr Dependent kDependent[] = {
    {"aten::item", "def forward(self, x):\n    return x * float(x.sum().item())\n"},
    {"aten::nonzero", "def forward(self, x):\n    return torch.nonzero(x)\n"},
    {"aten::masked_select", "def forward(self, x):\n    return torch.masked_select(x, x > 0.5)\n"},
    {"", "def forward(self, x):\n    if bool(x.sum() > 0):\n        return x\n    return -x\n"},
};

TEST(CompiledModuleTest, DataDependentProgramsAreRefusedUnderForbid) {
  for (const Dependent& program : kDependent) {
    const CompiledModule model(NewSession(), Define(program.source));
    EXPECT_THAT(model.Run({at::rand({4})}),
                StatusIs(absl::StatusCode::kFailedPrecondition,
                         AllOf(HasSubstr("data-dependent"), HasSubstr(program.op))))
        << program.source;
    EXPECT_THAT(model.fallback(), IsEmpty());
  }
}

TEST(CompiledModuleTest, DataDependentProgramsRunOnLibTorchUnderAllow) {
  for (const Dependent& program : kDependent) {
    const torch::jit::Module module = Define(program.source);
    const Session session = LenientSession();
    const CompiledModule model(session, module);
    for (int call = 0; call < 3; ++call) {
      const at::Tensor x = at::randn({4});
      torch::jit::Module eager = module;
      ExpectClose(model.Run({x}), eager.forward({x}));
    }
    EXPECT_THAT(model.fallback(), HasSubstr("data-dependent"));
    bool is_counted = false;
    for (const auto& [name, count] : session.runtime().metrics().counters())
      is_counted |= name.starts_with(std::string("fallback.") + program.op) && count == 1;
    EXPECT_TRUE(is_counted) << session.runtime().metrics().ToText();
  }
}

TEST(CompiledModuleTest, StateMovesToTheModuleWhenTheProgramFallsBack) {
  torch::jit::Module module("counter");
  module.register_buffer("count", at::zeros({1}));
  module.define(
      "def forward(self, x):\n"
      "    self.count.add_(1)\n"
      "    if x.size(0) > 2:\n"
      "        return x * float(self.count.item())\n"
      "    return x * self.count\n");
  const CompiledModule model(LenientSession(), module);
  const at::Tensor small = at::ones({2}), large = at::ones({3});
  ExpectClose(model.Run({small}), small);
  ExpectClose(model.Run({small}), small * 2);
  EXPECT_THAT(model.fallback(), IsEmpty());
  ExpectClose(model.Run({large}), large * 3);
  ExpectClose(model.Run({small}), small * 4);
  EXPECT_EQ(module.attr("count").toTensor().item<float>(), 4);
}

TEST(CompiledModuleTest, AFunctionsCapturedTensorsAreSeenWhenChanged) {
  const at::Tensor weight = at::ones({2});
  const CompiledModule model(NewSession(), [weight](std::vector<IValue> args) -> IValue {
    return args[0].toTensor() * weight;
  });
  const at::Tensor x = at::rand({2});
  ExpectClose(model.Run({x}), x);
  weight.fill_(4);
  ExpectClose(model.Run({x}), x * 4);
  EXPECT_THAT(model.Explain().back().reason, HasSubstr("captured tensor 0"));
}

Options Buckets() {
  Options options;
  options.leading_sizes = runtime::LeadingSizes::kBuckets;
  return options;
}

TEST(CompiledModuleTest, BucketsServeEveryBatchExactlyWithFewCompilations) {
  torch::jit::Module module("mlp");
  module.register_parameter("weight", at::randn({6, 4}), false);
  module.register_parameter("bias", at::randn({6}), false);
  module.define(
      "def forward(self, x, scale):\n"
      "    y = torch.gelu(torch.linear(x, self.weight, self.bias))\n"
      "    z = y.view(x.size(0), 2, 3).transpose(1, 2).softmax(-1) * scale\n"
      "    return z, torch.ones(x.size(0), 1) + z.sum(2), scale * 2\n");
  const CompiledModule model(NewSession(Buckets()), module);
  torch::jit::Module eager = module;
  const at::Tensor scale = at::rand({1});
  for (int64_t batch : {5, 1, 7, 3, 8, 6, 5, 2, 33, 40, 64}) {
    const at::Tensor x = at::randn({batch, 4});
    const absl::StatusOr<IValue> actual = model.Run({x, scale});
    ASSERT_THAT(actual, IsOk());
    const auto expected = eager.forward({x, scale}).toTuple();
    for (size_t i = 0; i < 3; ++i) {
      const at::Tensor a = actual->toTupleRef().elements()[i].toTensor();
      const at::Tensor e = expected->elements()[i].toTensor();
      EXPECT_EQ(a.sizes(), e.sizes());
      EXPECT_EQ(a.strides(), e.strides());
      EXPECT_TRUE(at::allclose(a, e, 1e-5, 1e-6)) << batch;
    }
  }
  EXPECT_EQ(model.Explain().size(), 5u);  // for 8, 1, 4, 2 and 64 rows
}

TEST(CompiledModuleTest, BucketsAreNotUsedForProgramsThatFollowTheBatchSize) {
  const char* const programs[] = {
      "def forward(self, x):\n    return x / x.size(0)\n",
      "def forward(self, x):\n    return x - x.mean(0)\n",
      "def forward(self, x):\n    if x.size(0) > 5:\n        return x * 2\n    return x * 3\n",
      "def forward(self, x):\n    return x.add_(1)\n",
  };
  for (const char* source : programs) {
    const torch::jit::Module module = Define(source);
    const CompiledModule model(NewSession(Buckets()), module);
    for (int64_t batch : {3, 5, 6, 7, 5}) {
      const at::Tensor x = at::randn({batch, 2});
      torch::jit::Module eager = module;
      const IValue expected = eager.forward({x.clone()});
      ExpectClose(model.Run({x}), expected);
    }
  }
}

TEST(CompiledModuleTest, ManyThreadsCompileASignatureOnce) {
  const CompiledModule model(NewSession(), Define("def forward(self, x):\n    return x * 2\n"));
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int64_t size = 1; size <= 4; ++size) {
        const at::Tensor x = at::rand({size});
        ExpectClose(model.Run({x}), x * 2);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(model.Explain().size(), 4u);
}

// The mean of the last batch that it was told to learn from.
torch::jit::Module Learner() {
  torch::jit::Module module("learner");
  module.register_buffer("m", at::zeros({3}));
  module.define(
      "def forward(self, x, update: bool):\n"
      "    if update:\n"
      "        self.m.copy_(x.mean(0))\n"
      "    return x - self.m\n");
  return module;
}

TEST(CompiledModuleTest, StateThatOneSignatureWritesIsReadByTheOthers) {
  for (const bool reads_first : {false, true}) {
    SCOPED_TRACE(reads_first);
    const torch::jit::Module module = Learner();
    torch::jit::Module eager = module.deepcopy();
    const CompiledModule model(NewSession(), module);
    for (int call = 0; call < 6; ++call) {
      const at::Tensor x = at::rand({2, 3});
      const bool update = (call % 2 == 0) != reads_first;
      ExpectClose(model.Run({x, update}), eager.forward({x, update}));
    }
    EXPECT_TRUE(at::equal(module.attr("m").toTensor(), at::zeros({3})));
  }
}

TEST(CompiledModuleTest, StateThatABranchOfBatchesWritesIsReadByTheOthersInBuckets) {
  Options options;
  options.leading_sizes = runtime::LeadingSizes::kBuckets;
  torch::jit::Module module("counter");
  module.register_buffer("count", at::zeros({1}));
  module.define(
      "def forward(self, x, step: bool):\n"
      "    if step:\n"
      "        self.count.add_(1)\n"
      "    return x + self.count\n");
  const CompiledModule model(NewSession(options), module);
  torch::jit::Module eager = module.deepcopy();
  for (int64_t batch : {3, 5, 4, 3, 7, 3}) {
    for (const bool step : {false, true, false}) {
      const at::Tensor x = at::rand({batch, 2});
      ExpectClose(model.Run({x, step}), eager.forward({x, step}));
    }
  }
}

TEST(CompiledModuleTest, AFunctionsStateIsToldApartByTheTensorThatItIs) {
  const auto count = [](const at::Tensor& a, const at::Tensor& b) {
    return [a, b](std::vector<IValue> args) -> IValue {
      const at::Tensor x = args[0].toTensor();
      return x + (x.size(0) == 1 ? at::Tensor(a).add_(1) : at::Tensor(b).add_(10));
    };
  };
  const CompiledModule model(NewSession(), count(at::zeros({2}), at::zeros({2})));
  const auto eager = count(at::zeros({2}), at::zeros({2}));
  for (int64_t batch : {1, 2, 2, 1, 2, 1}) {
    const at::Tensor x = at::rand({batch, 2});
    ExpectClose(model.Run({x}), eager({x}));
  }
  EXPECT_EQ(model.ExportState().size(), 2u);
}

TEST(CompiledModuleTest, AFunctionsStateIsReadByTheSignaturesThatDoNotWriteIt) {
  const auto learn = [](const at::Tensor& m) {
    return [m](std::vector<IValue> args) -> IValue {
      const at::Tensor x = args[0].toTensor();
      if (x.size(0) == 1) at::Tensor(m).copy_(x[0]);
      return x - m;
    };
  };
  const CompiledModule model(NewSession(), learn(at::zeros({2})));
  const auto eager = learn(at::zeros({2}));
  for (int64_t batch : {2, 1, 2, 1, 3}) {
    const at::Tensor x = at::rand({batch, 2});
    ExpectClose(model.Run({x}), eager({x}));
  }
}

TEST(CompiledModuleTest, AFunctionsOwnMemoryIsNoStateThatSignaturesShare) {
  const auto function = [](std::vector<IValue> args) -> IValue {
    const at::Tensor x = args[0].toTensor();
    // Made without an op that a recorder could see.
    const at::Tensor own = at::detail::empty_cpu(x.sizes(), at::kFloat);
    own.copy_(x);
    return own * 2;
  };
  const CompiledModule model(NewSession(), function);
  for (int64_t batch : {1, 2, 1, 2, 3}) {
    const at::Tensor x = at::rand({batch, 2});
    ExpectClose(model.Run({x}), x * 2);
  }
  EXPECT_EQ(model.Explain().size(), 3u);
}

TEST(CompiledModuleTest, TensorsCapturedForOtherSignaturesAreStillSeenWhenChanged) {
  const at::Tensor w1 = at::ones({2}), w2 = at::ones({2});
  const CompiledModule model(NewSession(), [=](std::vector<IValue> args) -> IValue {
    const at::Tensor x = args[0].toTensor();
    return x * (x.size(0) == 1 ? w1 : w2);
  });
  const at::Tensor one = at::rand({1, 2}), two = at::rand({2, 2});
  ExpectClose(model.Run({one}), one);
  ExpectClose(model.Run({two}), two);
  w1.fill_(4);
  ExpectClose(model.Run({one}), one * 4);
  w2.fill_(3);
  ExpectClose(model.Run({one}), one * 4);
  ExpectClose(model.Run({two}), two * 3);
}

TEST(CompiledModuleTest, ACapturedTensorThatIsReturnedIsSeenWhenChanged) {
  const at::Tensor weight = at::ones({2});
  const CompiledModule model(NewSession(), [=](std::vector<IValue>) -> IValue { return weight; });
  ExpectClose(model.Run({at::rand({1})}), weight);
  weight.fill_(4);
  ExpectClose(model.Run({at::rand({1})}), at::full({2}, 4.0));
}

TEST(CompiledModuleTest, AnOptionalAttributeThatBecomesATensorIsSeen) {
  torch::jit::Module module("masked");
  module.register_attribute("mask", c10::OptionalType::ofTensor(), IValue());
  module.define(
      "def forward(self, x):\n"
      "    mask = self.mask\n"
      "    if mask is not None:\n"
      "        x = x * mask\n"
      "    return x + 1\n");
  const CompiledModule model(NewSession(), module);
  const at::Tensor x = at::rand({2});
  ExpectClose(model.Run({x}), x + 1);
  module.setattr("mask", at::full({2}, 3));
  ExpectClose(model.Run({x}), x * 3 + 1);
}

TEST(CompiledModuleTest, StateInAContainerIsStateToo) {
  torch::jit::Module module("cache");
  c10::Dict<std::string, at::Tensor> cache;
  cache.insert("sum", at::zeros({2}));
  module.register_attribute(
      "cache", c10::DictType::create(c10::StringType::get(), c10::TensorType::get()), cache);
  module.define(
      "def forward(self, x):\n"
      "    self.cache['sum'].add_(x)\n"
      "    return self.cache['sum'] * 2\n");
  const CompiledModule model(NewSession(), module);
  at::Tensor sum = at::zeros({2});
  for (int call = 0; call < 3; ++call) {
    const at::Tensor x = at::rand({2});
    sum += x;
    ExpectClose(model.Run({x}), sum * 2);
  }
  EXPECT_TRUE(at::equal(cache.at("sum"), at::zeros({2})));
}

TEST(CompiledModuleTest, NumbersAreToldApartByTheirBits) {
  const torch::jit::Module module =
      Define("def forward(self, x, s: float):\n    return torch.full_like(x, s)\n");
  const CompiledModule model(NewSession(), module);
  const at::Tensor x = at::zeros({2});
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const double s : {nan, 0.0, -0.0, nan, -0.0, 0.0}) {
    const absl::StatusOr<IValue> result = model.Run({x, s});
    ASSERT_THAT(result, IsOk());
    const double first = result->toTensor()[0].item<double>();
    EXPECT_EQ(std::isnan(first), std::isnan(s));
    EXPECT_EQ(std::signbit(first), std::signbit(s)) << s;
  }
  EXPECT_EQ(model.Explain().size(), 3u);
}

TEST(CompiledModuleTest, UpdatesOfWeightsAreNotCountedAsSpecializations) {
  Options options;
  options.max_specializations = 2;
  torch::jit::Module module("scaled");
  module.register_parameter("weight", at::ones({2}), false);
  module.define("def forward(self, x):\n    return x * self.weight\n");
  const CompiledModule model(NewSession(options), module);
  const at::Tensor x = at::rand({2});
  for (int step = 1; step < 6; ++step) {
    const at::NoGradGuard no_grad;
    module.attr("weight").toTensor().fill_(step);
    ExpectClose(model.Run({x}), x * step);
  }
}

constexpr char kProduct[] = "def forward(self, x, w):\n    return x @ w\n";

TEST(CompiledModuleTest, AnErrorOfTheModelItselfDoesNotEndItsGraphs) {
  const CompiledModule model(LenientSession(), Define(kProduct));
  const at::Tensor x = at::rand({2, 3}), w = at::rand({3, 2});
  EXPECT_THAT(model.Run({x, x}),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("the model fails")));
  EXPECT_THAT(model.fallback(), IsEmpty());
  ExpectClose(model.Run({x, w}), at::mm(x, w));
  EXPECT_EQ(model.Explain().size(), 1u);
}

TEST(CompiledModuleTest, AnErrorOfTheModelItselfLeavesNumbersData) {
  const CompiledModule model(
      NewSession(), Define("def forward(self, x, w, s: float):\n    return (x @ w) * s\n"));
  const at::Tensor x = at::rand({2, 3}), w = at::rand({3, 2});
  EXPECT_FALSE(model.Run({x, x, 1.0}).ok());
  for (const double s : {1.0, 2.0, 3.0}) ExpectClose(model.Run({x, w, s}), at::mm(x, w) * s);
  EXPECT_EQ(model.Explain().size(), 1u);
}

TEST(CompiledModuleTest, AFunctionThatThrowsLeavesItsCapturedTensorsAlone) {
  const at::Tensor total = at::zeros({2});
  const CompiledModule model(NewSession(), [total](std::vector<IValue> args) -> IValue {
    at::Tensor(total).add_(1);
    return at::mm(args[0].toTensor(), total);
  });
  EXPECT_FALSE(model.Run({at::rand({2})}).ok());
  EXPECT_TRUE(at::equal(total, at::zeros({2})));
}

TEST(CompiledModuleTest, AFunctionsStateMovesToItsTensorsWhenTheProgramFallsBack) {
  const at::Tensor count = at::zeros({1});
  const CompiledModule model(LenientSession(), [count](std::vector<IValue> args) -> IValue {
    const at::Tensor x = args[0].toTensor();
    at::Tensor(count).add_(1);
    return x.size(0) == 1 ? x * count : x * count.item<float>();
  });
  const at::Tensor one = at::ones({1}), two = at::ones({2});
  ExpectClose(model.Run({one}), one);
  ExpectClose(model.Run({one}), one * 2);
  ExpectClose(model.Run({two}), two * 3);
  EXPECT_THAT(model.fallback(), HasSubstr("data-dependent"));
  ExpectClose(model.Run({one}), one * 4);
}

}  // namespace
}  // namespace ingot
