#include "tools/ingot/oracle.h"

#include <utility>

#include "core/base/status_macros.h"

namespace ingot::tools {

absl::StatusOr<Outcome> OutcomeOf(const Call& call) {
  Outcome outcome;
  for (size_t i = 0; i < call.result_count(); ++i) {
    INGOT_ASSIGN_OR_RETURN(runtime::HostTensor copy, runtime::HostTensor::Copy(call.result(i)));
    outcome.results.push_back(std::move(copy));
  }
  for (size_t i = 0; i < call.argument_count(); ++i) {
    INGOT_ASSIGN_OR_RETURN(runtime::HostTensor copy, runtime::HostTensor::Copy(call.argument(i)));
    outcome.arguments.push_back(std::move(copy));
  }
  return outcome;
}

absl::StatusOr<Outcome> GraphOracle::Run(const Arguments& arguments, uint64_t seed) {
  INGOT_ASSIGN_OR_RETURN(Call call, Call::Create(graph_, arguments));
  runtime::RunContext context;
  context.seed = seed;
  INGOT_RETURN_IF_ERROR(call.Run(context));
  return OutcomeOf(call);
}

}  // namespace ingot::tools
