// make_hostile FILE BODY…: writes a TorchScript file by hand whose forward(x) has these lines, as
// nobody's compiler would write them.
#include <cstdio>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "frontends/archive/zip_testing.h"

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: make_hostile FILE BODY…\n");
    return 2;
  }
  std::string code =
      "class C(Module):\n"
      "  __parameters__ = []\n"
      "  __buffers__ = []\n"
      "  training : bool\n"
      "  def forward(self: __torch__.m.C,\n"
      "    x: Tensor) -> Tensor:\n";
  for (int i = 2; i < argc; ++i) absl::StrAppend(&code, "    ", argv[i], "\n");
  const std::string zeros(3, '\0');
  const std::string data =
      "\x80\x02"
      "c__torch__.m\nC\n)\x81}(X\x08" +
      zeros + "training\x89ub.";
  std::ofstream(argv[1], std::ios::binary)
      << ingot::archive::MakeZip({{"m/data.pkl", data},
                                  {"m/code/__torch__/m.py", code},
                                  {"m/constants.pkl", "\x80\x02)."},
                                  {"m/version", "3\n"},
                                  {"m/byteorder", "little"}});
  return 0;
}
