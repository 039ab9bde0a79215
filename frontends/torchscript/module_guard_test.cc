#include "frontends/torchscript/module_guard.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/ones.h>
#include <torch/script.h>

#include <limits>
#include <string>

#include "core/base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ingot::torchscript {
namespace {

using testing::HasSubstr;

struct Modules {
  torch::jit::Module root{"root"};
  torch::jit::Module child{"child"};
  Modules() {
    child.register_parameter("weight", at::ones({2}), false);
    child.register_buffer("mean", at::ones({2}));
    child.register_attribute("mode", c10::StringType::get(), "fast");
    root.register_module("child", child);
    root.register_attribute("scale", c10::IntType::get(), int64_t{2});
    root.register_attribute("cache", c10::ListType::ofTensors(),
                            c10::List<at::Tensor>({at::ones({1})}));
    root.register_attribute("mask", c10::OptionalType::ofTensor(), c10::IValue());
    root.register_attribute("phase", c10::ComplexType::get(), c10::complex<double>(1, 2));
    root.register_attribute("device", c10::DeviceObjType::get(), c10::Device("cpu"));
    root.register_attribute("fill", c10::FloatType::get(),
                            std::numeric_limits<double>::quiet_NaN());
    root.register_attribute("shift", c10::FloatType::get(), 0.0);
    c10::Dict<std::string, at::Tensor> table;
    table.insert("sum", at::ones({1}));
    root.register_attribute(
        "table", c10::DictType::create(c10::StringType::get(), c10::TensorType::get()), table);
  }
};

TEST(ModuleGuardTest, NamesWhatChanged) {
  struct Case {
    void (*change)(Modules&);
    const char* message;
  };
  const Case cases[] = {
      {[](Modules& m) { m.child.attr("weight").toTensor().add_(1); },
       "\"child.weight\" was written"},
      {[](Modules& m) { m.child.setattr("weight", at::ones({2})); },
       "\"child.weight\" was replaced"},
      {[](Modules& m) { m.child.setattr("mode", "exact"); }, "\"child.mode\" was changed"},
      {[](Modules& m) { m.root.setattr("scale", int64_t{3}); }, "\"scale\" was changed"},
      {[](Modules& m) { m.root.setattr("cache", c10::List<at::Tensor>({at::ones({1})})); },
       "\"cache\" was changed"},
      {[](Modules& m) { m.root.attr("cache").toTensorList().push_back(at::ones({1})); },
       "\"cache\" was changed"},
      {[](Modules& m) { m.root.attr("cache").toTensorList().get(0).add_(1); },
       "\"cache.0\" was written"},
      {[](Modules& m) { m.root.attr("table").toGenericDict().at("sum").toTensor().add_(1); },
       "\"table.sum\" was written"},
      {[](Modules& m) { m.root.setattr("mask", at::ones({1})); }, "\"mask\" was changed"},
      {[](Modules& m) { m.root.setattr("phase", c10::complex<double>(1, 3)); },
       "\"phase\" was changed"},
      {[](Modules& m) { m.root.setattr("device", c10::Device("meta")); }, "\"device\" was changed"},
      {[](Modules& m) { m.root.setattr("fill", 0.0); }, "\"fill\" was changed"},
      {[](Modules& m) { m.root.setattr("shift", -0.0); }, "\"shift\" was changed"},
  };
  for (const Case& c : cases) {
    const at::NoGradGuard no_grad;
    Modules modules;
    const ModuleGuard guard = ModuleGuard::Of(modules.root, {});
    EXPECT_THAT(guard.Check(), IsOk());
    c.change(modules);
    EXPECT_THAT(guard.Check(),
                StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr(c.message)));
  }
}

TEST(ModuleGuardTest, CapturedTensorsAreGuardedByVersion) {
  const at::Tensor weight = at::ones({2});
  const ModuleGuard guard = ModuleGuard::Of({at::ones({1}), weight});
  EXPECT_THAT(guard.Check(), IsOk());
  weight.add_(1);
  EXPECT_THAT(guard.Check(), StatusIs(absl::StatusCode::kFailedPrecondition,
                                      HasSubstr("\"captured tensor 1\" was written")));
}

TEST(ModuleGuardTest, ExceptionsMayChangeAndReadsAreNoChange) {
  Modules modules;
  const ModuleGuard guard = ModuleGuard::Of(modules.root, {"child.mean", "cache.0", "table.sum"});
  modules.child.attr("mean").toTensor().add_(1);
  modules.root.attr("cache").toTensorList().get(0).add_(1);
  modules.root.attr("table").toGenericDict().at("sum").toTensor().add_(1);
  const at::Tensor read = modules.child.attr("weight").toTensor() * 2;
  EXPECT_THAT(guard.Check(), IsOk());
}

}  // namespace
}  // namespace ingot::torchscript
