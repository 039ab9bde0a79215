#include <array>
#include <cmath>
#include <numbers>
#include <optional>
#include <string>
#include <vector>

#include "core/passes/patterns.h"
#include "core/passes/rewriter.h"

namespace ingot::passes {
namespace {

using ir::kNoValue;
using ir::ValueId;

constexpr double kTolerance = 1e-6;

bool Near(double a, double b) { return std::abs(a - b) <= kTolerance * std::abs(b); }

// Coefficients of 1, x, x^2, x^3.
struct Polynomial {
  std::array<double, 4> c = {0, 0, 0, 0};
};

Polynomial Constant(double value) { return {{value, 0, 0, 0}}; }

Polynomial Add(const Polynomial& a, const Polynomial& b, double alpha) {
  Polynomial sum;
  for (size_t i = 0; i < sum.c.size(); ++i) sum.c[i] = a.c[i] + alpha * b.c[i];
  return sum;
}

// nullopt if the product is of a higher degree.
std::optional<Polynomial> Multiply(const Polynomial& a, const Polynomial& b) {
  Polynomial product;
  for (size_t i = 0; i < a.c.size(); ++i) {
    for (size_t j = 0; j < b.c.size(); ++j) {
      const double term = a.c[i] * b.c[j];
      if (i + j < product.c.size()) {
        product.c[i + j] += term;
      } else if (term != 0) {
        return std::nullopt;
      }
    }
  }
  return product;
}

// Reads a chain of pointwise ops as a polynomial in one value, all of whose steps have its type and
// no other user.
class PolynomialReader {
 public:
  PolynomialReader(const GraphRewriter& r, ValueId variable) : r_(r), variable_(variable) {}

  std::optional<Polynomial> Read(ValueId value) const {
    if (value == variable_) return Polynomial{{0, 1, 0, 0}};
    const ir::Node* node = r_.Producer(value);
    if (node == nullptr || node->outputs.size() != 1 || r_.Uses(value) != 1 ||
        r_.type(value) != r_.type(variable_)) {
      return std::nullopt;
    }
    return ReadNode(*node);
  }

 private:
  std::optional<Polynomial> ReadNode(const ir::Node& node) const {
    const ValueId first = OperandOf(node, 0);
    if (node.op == "aten::mul.Tensor" || node.op == "aten::square") {
      const ValueId second = node.op == "aten::square" ? first : OperandOf(node, 1);
      return Product(Read(first), Read(second));
    }
    if (node.op == "aten::add.Tensor" || node.op == "aten::sub.Tensor") {
      return Sum(Read(first), Read(OperandOf(node, 1)), Alpha(node));
    }
    const std::optional<double> number =
        node.args.size() > 1 ? AsDouble(r_.NumberOf(node.args[1])) : std::nullopt;
    if (!number.has_value()) return std::nullopt;
    if (node.op == "aten::mul.Scalar") return Product(Read(first), Constant(*number));
    if (node.op == "aten::div.Scalar") return Product(Read(first), Constant(1 / *number));
    if (node.op == "aten::add.Scalar" || node.op == "aten::sub.Scalar") {
      return Sum(Read(first), Constant(*number), Alpha(node));
    }
    if (node.op == "aten::pow.Tensor_Scalar") return Power(Read(first), *number);
    return std::nullopt;
  }

  // The signed factor of the second operand of add and sub.
  std::optional<double> Alpha(const ir::Node& node) const {
    const std::optional<double> alpha = AsDouble(r_.NumberOf(node.args[2]));
    if (!alpha.has_value()) return std::nullopt;
    return node.op.starts_with("aten::sub") ? -*alpha : *alpha;
  }

  static std::optional<Polynomial> Product(const std::optional<Polynomial>& a,
                                           const std::optional<Polynomial>& b) {
    return a.has_value() && b.has_value() ? Multiply(*a, *b) : std::nullopt;
  }

  static std::optional<Polynomial> Sum(const std::optional<Polynomial>& a,
                                       const std::optional<Polynomial>& b,
                                       std::optional<double> alpha) {
    if (!a.has_value() || !b.has_value() || !alpha.has_value()) return std::nullopt;
    return Add(*a, *b, *alpha);
  }

  static std::optional<Polynomial> Power(const std::optional<Polynomial>& base, double exponent) {
    if (exponent == 2) return Product(base, base);
    if (exponent == 3) return Product(base, Product(base, base));
    return std::nullopt;
  }

  const GraphRewriter& r_;
  const ValueId variable_;
};

// A product: a number and the values that it multiplies.
struct Factors {
  double number = 1;
  std::vector<ValueId> values;
};

// Takes products apart that nothing else uses.
void CollectFactors(const GraphRewriter& r, const ir::Node& node, Factors& factors);

void CollectFactor(const GraphRewriter& r, ValueId value, Factors& factors) {
  const ir::Node* node = r.Producer(value);
  const bool is_product =
      node != nullptr && r.Uses(value) == 1 &&
      (node->op == "aten::mul.Tensor" || node->op == "aten::mul.Scalar") &&
      (node->op == "aten::mul.Tensor" || AsDouble(r.NumberOf(node->args[1])).has_value());
  if (is_product) {
    CollectFactors(r, *node, factors);
  } else {
    factors.values.push_back(value);
  }
}

void CollectFactors(const GraphRewriter& r, const ir::Node& node, Factors& factors) {
  CollectFactor(r, OperandOf(node, 0), factors);
  if (node.op == "aten::mul.Tensor") {
    CollectFactor(r, OperandOf(node, 1), factors);
  } else {
    factors.number *= AsDouble(r.NumberOf(node.args[1])).value_or(NAN);
  }
}

// The tanh or erf that `value` adds to and scales, or nullptr.
const ir::Node* FindCurve(const GraphRewriter& r, ValueId value) {
  const ir::Node* node = r.Producer(value);
  while (node != nullptr && (node->op == "aten::add.Scalar" || node->op == "aten::mul.Scalar" ||
                             node->op == "aten::div.Scalar")) {
    node = r.Producer(OperandOf(*node, 0));
  }
  return node != nullptr && (node->op == "aten::tanh" || node->op == "aten::erf") ? node : nullptr;
}

// `approximate` of the GELU that is number * x * value; nullopt if it is none.
std::optional<std::string> GeluOf(const GraphRewriter& r, double number, ValueId x, ValueId value) {
  const ir::Node* curve = FindCurve(r, value);
  if (curve == nullptr || r.Uses(curve->outputs[0]) != 1) return std::nullopt;
  // value = c0 + c1 * curve, with 0.5 for both once the number is multiplied in.
  const std::optional<Polynomial> outer = PolynomialReader(r, curve->outputs[0]).Read(value);
  if (!outer.has_value() || !Near(number * outer->c[0], 0.5) || !Near(number * outer->c[1], 0.5)) {
    return std::nullopt;
  }
  const ValueId argument = OperandOf(*curve, 0);
  if (r.type(argument) != r.type(x) || r.type(curve->outputs[0]) != r.type(x)) return std::nullopt;
  const std::optional<Polynomial> inner = PolynomialReader(r, x).Read(argument);
  if (!inner.has_value() || inner->c[0] != 0 || inner->c[2] != 0) return std::nullopt;
  if (curve->op == "aten::erf") {
    const bool matches = inner->c[3] == 0 && Near(inner->c[1], std::numbers::sqrt2 / 2);
    return matches ? std::optional<std::string>("none") : std::nullopt;
  }
  const double slope = std::numbers::sqrt2 * std::numbers::inv_sqrtpi;
  const bool matches = Near(inner->c[1], slope) && Near(inner->c[3], slope * 0.044715);
  return matches ? std::optional<std::string>("tanh") : std::nullopt;
}

absl::StatusOr<ValueId> MatchGelu(GraphRewriter& r, const ir::Node& node) {
  Factors factors;
  CollectFactors(r, node, factors);
  if (factors.values.size() != 2) return kNoValue;
  for (int i = 0; i < 2; ++i) {
    const ValueId x = factors.values[i];
    if (r.type(x) != r.type(node.outputs[0])) continue;
    const std::optional<std::string> approximate =
        GeluOf(r, factors.number, x, factors.values[1 - i]);
    if (approximate.has_value()) return r.Emit("aten::gelu", {ir::ValueRef{x}, *approximate});
  }
  return kNoValue;
}

absl::StatusOr<ValueId> MatchSilu(GraphRewriter& r, const ir::Node& node) {
  for (int i = 0; i < 2; ++i) {
    const ValueId x = OperandOf(node, i);
    const ValueId other = OperandOf(node, 1 - i);
    const ir::Node* sigmoid = r.ProducerOf(other, "aten::sigmoid");
    if (sigmoid == nullptr || OperandOf(*sigmoid, 0) != x || r.Uses(other) != 1) continue;
    if (r.type(x) != r.type(node.outputs[0])) continue;
    return r.Emit("aten::silu", {ir::ValueRef{x}});
  }
  return kNoValue;
}

absl::StatusOr<ValueId> MatchProduct(GraphRewriter& r, const ir::Node& node) {
  const bool is_tensor = node.op == "aten::mul.Tensor";
  if (!is_tensor && node.op != "aten::mul.Scalar") return kNoValue;
  if (!is_tensor && !AsDouble(r.NumberOf(node.args[1])).has_value()) return kNoValue;
  if (!ir::IsFloating(r.type(node.outputs[0]).dtype)) return kNoValue;
  if (is_tensor) {
    absl::StatusOr<ValueId> silu = MatchSilu(r, node);
    if (!silu.ok() || *silu != kNoValue) return silu;
  }
  return MatchGelu(r, node);
}

}  // namespace

absl::StatusOr<bool> MatchActivations(ir::Recording& recording) {
  return GraphRewriter(recording).Run(MatchProduct);
}

}  // namespace ingot::passes
