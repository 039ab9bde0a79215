// The nesting of a call's arguments or results: tensors, numbers, None, and tuples, lists and dicts
// of them.
//
// Leaves that are tensors are numbered ("slots"). Two leaves may name the same slot: then they are
// the same tensor object in the caller's world (`return c, a + 1, c`).
#ifndef INGOT_CORE_IR_STRUCTURE_H_
#define INGOT_CORE_IR_STRUCTURE_H_

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace ingot::ir {

// Structures nest no deeper than this: readers of files and of text refuse what does.
inline constexpr int kMaxStructureDepth = 64;

struct Structure {
  enum class Kind : uint8_t {
    kNone = 0,
    kTensor = 1,  // `slot`
    kBool = 2,    // `number`, or an argument scalar when `slot` >= 0
    kInt = 3,     // `number`, or an argument scalar when `slot` >= 0
    kFloat = 4,   // `number`, or an argument scalar when `slot` >= 0
    kString = 5,  // `text`
    kTuple = 6,
    kList = 7,
    kDict = 8,  // `keys`, parallel to `children`, in insertion order
  };
  using Number = std::variant<bool, int64_t, double>;

  Kind kind = Kind::kNone;
  int32_t slot = -1;  // tensor slot; for numbers of a call's arguments: scalar slot
  Number number = int64_t{0};
  std::string text;
  std::vector<std::string> keys;
  std::vector<Structure> children;

  static Structure Tensor(int32_t slot);
  static Structure Tuple(std::vector<Structure> children);

  friend bool operator==(const Structure& a, const Structure& b);
};

// Numbers are told apart by type and bits, as a program can tell them apart: 0.0 is not -0.0. All
// NaNs are one. The bits of equal numbers of one type are equal.
uint64_t NumberBits(const Structure::Number& number);
bool SameNumber(const Structure::Number& a, const Structure::Number& b);

// "(T0, [T1, T0], {"a": 3}, None)"; a number that is an argument: "int S0", "float S1"; a tuple of
// one: "(T0,)".
std::string ToString(const Structure& structure);

}  // namespace ingot::ir

#endif  // INGOT_CORE_IR_STRUCTURE_H_
