// make_data_dependent FILE: writes a TorchScript file whose control flow depends on its argument.
#include <torch/csrc/jit/api/module.h>

#include <cstdio>

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: make_data_dependent FILE\n");
    return 2;
  }
  torch::jit::Module module("data_dependent");
  module.define(
      "def forward(self, x):\n"
      "    if bool(x.sum() > 0):\n"
      "        return x.add_(1)\n"
      "    return -x\n");
  module.save(argv[1]);
  return 0;
}
