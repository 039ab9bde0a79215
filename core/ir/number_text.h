// Floating-point numbers as the shortest decimal text that reads back as the same number.
//
//   DoubleText(1.0) == "1.0", DoubleText(0.1) == "0.1", DoubleText(1e300) == "1e+300", "inf",
//   "-inf", "nan"
//
// The text always shows that it is not an integer: it has a point, an exponent, or is inf or nan.
// Locale independent. Thread-safe.
#ifndef INGOT_CORE_IR_NUMBER_TEXT_H_
#define INGOT_CORE_IR_NUMBER_TEXT_H_

#include <string>

namespace ingot::ir {

std::string DoubleText(double value);

}  // namespace ingot::ir

#endif  // INGOT_CORE_IR_NUMBER_TEXT_H_
