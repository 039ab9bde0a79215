// What a stateful program keeps between calls: its buffers, by name.
//
//   std::unique_ptr<State> stream = graph->NewState();
//   context.state = stream.get();           // one stream of calls
//   stream->Export();                       // its buffers as they are now
//
// Calls with one State run one after another, with separate ones concurrently. The graphs of one
// *program* (one module, compiled for several signatures) share its states: a buffer that only a
// later graph has begins with the contents at that graph's recording. Thread-safe.
#ifndef INGOT_CORE_RUNTIME_STATE_H_
#define INGOT_CORE_RUNTIME_STATE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "core/base/aligned_buffer.h"
#include "core/ir/recording.h"

namespace ingot::runtime {

// Identity of a program. Graphs with equal ones share states.
using Program = std::shared_ptr<const void>;

// The buffers that one graph uses, in the order of its state inputs. Immutable.
struct StateLayout {
  Program program;
  std::vector<std::string> names;     // unique
  std::vector<ir::Constant> initial;  // contents at recording time
};
// Layout of `graph`'s state inputs: named by the inputs, by number where the names don't tell them
// apart.
// A number never takes the name of another input.
std::shared_ptr<const StateLayout> MakeStateLayout(const ir::Graph& graph,
                                                   std::vector<ir::Constant> initial,
                                                   Program program);

class State {
 public:
  explicit State(std::shared_ptr<const StateLayout> layout);
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  // Back to the contents at recording time.
  void Reset();

  // A buffer's contents: dense, row-major, in the machine's byte order.
  struct Buffer {
    std::string name;
    ir::TensorType type;
    std::string bytes;
  };
  std::vector<Buffer> Export() const;
  // Overwrites the buffers that are named. NotFound: no buffer of that name; InvalidArgument:
  // another type or size. After an error nothing has changed.
  absl::Status Import(absl::Span<const Buffer> buffers);

  // For CompiledGraph: calls `fn` with the memory of the layout's buffers, in its order, while no
  // other call uses this state. InvalidArgument: the state is of another program;
  // FailedPrecondition: a buffer has another type in this program's other graphs.
  absl::Status Use(const std::shared_ptr<const StateLayout>& layout,
                   absl::FunctionRef<absl::Status(absl::Span<char* const>)> fn);

 private:
  struct Slot {
    std::string name;
    ir::Constant initial;
    AlignedBuffer memory;
  };
  absl::Status Bind(const std::shared_ptr<const StateLayout>& layout)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Slot* Find(absl::string_view name) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Program program_;
  mutable absl::Mutex mutex_;
  std::vector<Slot> slots_ ABSL_GUARDED_BY(mutex_);
  // The layout used last, and its buffers.
  std::shared_ptr<const StateLayout> bound_ ABSL_GUARDED_BY(mutex_);
  std::vector<char*> buffers_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace ingot::runtime

#endif  // INGOT_CORE_RUNTIME_STATE_H_
