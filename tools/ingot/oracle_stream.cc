#include "tools/ingot/oracle_stream.h"

#include <utility>

#include "core/base/status_macros.h"
#include "tools/ingot/tensor_stream.h"

namespace ingot::tools {
namespace {

absl::Status Malformed() { return absl::DataLossError("what a child says of calls is malformed"); }

absl::StatusOr<Arguments> ListOf(uint64_t seed) {
  INGOT_ASSIGN_OR_RETURN(runtime::HostTensor tensor,
                         runtime::HostTensor::Create({ir::DType::kInt64, {}}));
  *tensor.data<uint64_t>() = seed;
  Arguments list;
  list.push_back(std::move(tensor));
  return list;
}

bool IsSeed(const Arguments& list) {
  return list.size() == 1 && list[0].type() == ir::TensorType{ir::DType::kInt64, {}};
}

}  // namespace

absl::Status AppendCall(const Arguments& arguments, uint64_t seed, std::string& calls) {
  INGOT_ASSIGN_OR_RETURN(const Arguments first, ListOf(seed));
  INGOT_RETURN_IF_ERROR(AppendList(first, calls));
  return AppendList(arguments, calls);
}

absl::StatusOr<std::vector<OracleCall>> ReadCalls(absl::string_view calls) {
  INGOT_ASSIGN_OR_RETURN(std::vector<Arguments> lists, ReadLists(calls));
  if (lists.size() % 2 != 0) return Malformed();
  std::vector<OracleCall> read;
  for (size_t i = 0; i < lists.size(); i += 2) {
    if (!IsSeed(lists[i])) return Malformed();
    read.push_back({*lists[i][0].data<uint64_t>(), std::move(lists[i + 1])});
  }
  return read;
}

absl::StatusOr<std::string> WriteOutcome(const Outcome& outcome) {
  std::string bytes;
  INGOT_RETURN_IF_ERROR(AppendList(outcome.results, bytes));
  INGOT_RETURN_IF_ERROR(AppendList(outcome.arguments, bytes));
  return bytes;
}

absl::StatusOr<Outcome> ReadOutcome(absl::string_view bytes) {
  INGOT_ASSIGN_OR_RETURN(std::vector<Arguments> lists, ReadLists(bytes));
  if (lists.size() != 2) return Malformed();
  return Outcome{std::move(lists[0]), std::move(lists[1])};
}

}  // namespace ingot::tools
