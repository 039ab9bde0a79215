#include "core/ir/number_text.h"

#include <charconv>
#include <cmath>

namespace ingot::ir {

std::string DoubleText(double value) {
  if (std::isnan(value)) return "nan";
  // The longest shortest form is "-2.2250738585072014e-308".
  char buffer[32];
  const std::to_chars_result result = std::to_chars(buffer, buffer + sizeof(buffer), value);
  std::string text(buffer, result.ptr);
  if (text.find_first_of(".einf") == std::string::npos) text += ".0";
  return text;
}

}  // namespace ingot::ir
