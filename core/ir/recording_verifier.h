// Checks a whole recording: that its parts fit each other.
//
// The graph verifies; constants, initial states, scalar bindings and argument specs are as many as
// the graph's inputs of that role and of their types; constants have the digests that the graph
// names; strides have their type's rank and are not negative; results that are views of arguments
// stay inside of them; alias classes and slots are in range. Contents of
// constants are not looked at: `data` may be null. Thread-safe.
#ifndef INGOT_CORE_IR_RECORDING_VERIFIER_H_
#define INGOT_CORE_IR_RECORDING_VERIFIER_H_

#include "absl/status/status.h"
#include "core/ir/recording.h"

namespace ingot::ir {

// InvalidArgument naming the first part that does not fit.
absl::Status VerifyRecording(const Recording& recording);

}  // namespace ingot::ir

#endif  // INGOT_CORE_IR_RECORDING_VERIFIER_H_
