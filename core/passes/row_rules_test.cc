#include "core/passes/row_rules.h"

#include <string>

#include "absl/strings/str_split.h"
#include "gtest/gtest.h"

namespace ingot::passes {
namespace {

// Rows of the table name ops and operands of the registry: what is misspelt would be refused
// forever.
TEST(RowRulesTest, EveryRowNamesAnOpAndItsOperands) {
  int rows = 0;
  for (const ops::OpDef* def : ops::AllOps()) {
    const RowEntry* entry = FindRowEntry(*def, def->schema.op);
    if (entry == nullptr || entry->op.empty()) continue;
    ++rows;
    EXPECT_EQ(entry->op, def->schema.op);
    if (entry->with_rows == kAllOperands) continue;
    for (absl::string_view name : absl::StrSplit(entry->with_rows, ','))
      EXPECT_GE(def->schema.Find(name), 0) << def->schema.op << ": " << name;
  }
  EXPECT_EQ(rows, NumRowEntries());
}

TEST(RowRulesTest, PointwiseOpsNeedNoRowAndOthersDo) {
  const auto find = [](const char* op) { return FindRowEntry(*ops::FindOp(op), op); };
  EXPECT_EQ(find("aten::mul.Tensor")->with_rows, kAllOperands);
  EXPECT_EQ(find("aten::softmax.int")->with_rows, "self");
  EXPECT_EQ(find("aten::sum"), nullptr);
}

}  // namespace
}  // namespace ingot::passes
