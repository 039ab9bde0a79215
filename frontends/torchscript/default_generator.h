// LibTorch's default CPU generator, kept as it is over a scope.
#ifndef INGOT_FRONTENDS_TORCHSCRIPT_DEFAULT_GENERATOR_H_
#define INGOT_FRONTENDS_TORCHSCRIPT_DEFAULT_GENERATOR_H_

#include <ATen/CPUGeneratorImpl.h>

#include <cstdint>
#include <mutex>

namespace ingot::torchscript {

// Draws made while this lives leave no trace in the default generator.
class KeepDefaultGenerator {
 public:
  KeepDefaultGenerator() : generator_(at::detail::getDefaultCPUGenerator()) {
    const std::lock_guard<std::mutex> lock(generator_.mutex());
    state_ = generator_.get_state();
  }
  ~KeepDefaultGenerator() {
    const std::lock_guard<std::mutex> lock(generator_.mutex());
    generator_.set_state(state_);
  }
  KeepDefaultGenerator(const KeepDefaultGenerator&) = delete;
  KeepDefaultGenerator& operator=(const KeepDefaultGenerator&) = delete;

  void Seed(int64_t seed) {
    const std::lock_guard<std::mutex> lock(generator_.mutex());
    generator_.set_current_seed(static_cast<uint64_t>(seed));
  }

 private:
  at::Generator generator_;
  at::Tensor state_;
};

}  // namespace ingot::torchscript

#endif  // INGOT_FRONTENDS_TORCHSCRIPT_DEFAULT_GENERATOR_H_
