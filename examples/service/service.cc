// A service: one compiled graph from an .ingot file, called by several threads at once, each call
// with a deadline. Links neither LibTorch nor Python.
//
//   service --clients=2 --threads=1 --seconds=3 model.ingot
#include <algorithm>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "core/artifact/artifact.h"
#include "core/base/status_macros.h"
#include "core/ir/type.h"
#include "core/runtime/compiled_graph.h"
#include "core/runtime/host_tensor.h"
#include "core/runtime/options.h"
#include "core/runtime/session.h"

ABSL_FLAG(std::string, backend, "onednn", "onednn, reference, a plugin's path, or auto");
ABSL_FLAG(int, clients, 2, "threads that call at the same time");
ABSL_FLAG(int, threads, 1, "threads of each call");
ABSL_FLAG(double, seconds, 1, "how long they call");
ABSL_FLAG(absl::Duration, deadline, absl::Seconds(1), "of each call");

namespace {

using ingot::runtime::CompiledGraph;
using ingot::runtime::HostTensor;

// Flags, then INGOT_* of the environment, then what the file was extracted with. Only the program
// that embeds ingot knows which of these layers it wants, so that it lays them over each other.
absl::StatusOr<ingot::runtime::Options> OptionsFor(const ingot::artifact::Artifact& artifact) {
  ingot::runtime::OptionOverrides flags, stored;
  flags.backend = absl::GetFlag(FLAGS_backend);
  flags.threads = absl::GetFlag(FLAGS_threads);
  INGOT_ASSIGN_OR_RETURN(const auto environment, ingot::runtime::OptionsFromEnvironment());
  for (const auto& [name, value] : artifact.options) {
    INGOT_RETURN_IF_ERROR(ingot::runtime::SetOption(name, value, stored));
  }
  return ingot::runtime::ResolveOptions({flags, environment, stored});
}

// What one thread needs to call: arguments, results and, if the graph has one, a state of its own.
class Client {
 public:
  static absl::StatusOr<Client> Create(std::shared_ptr<const CompiledGraph> graph) {
    Client client;
    // Views of a tensor are good as long as it stays where it is.
    client.tensors_.reserve(graph->signature().arguments.size() + graph->results().size());
    for (const auto& argument : graph->signature().arguments) {
      INGOT_ASSIGN_OR_RETURN(const ingot_tensor view,
                             client.NewTensor(argument.type, argument.strides));
      client.arguments_.push_back(view);
    }
    for (const auto& result : graph->results()) {
      ingot_tensor view = {};  // for an alias of an argument, which needs no memory
      if (!result.is_alias) {
        INGOT_ASSIGN_OR_RETURN(view, client.NewTensor(result.type, result.strides));
      }
      client.results_.push_back(view);
    }
    if (graph->is_stateful()) client.state_ = graph->NewState();
    client.graph_ = std::move(graph);
    return client;
  }

  // Calls until `cancel` is set.
  absl::Status CallUntil(const ingot::runtime::CancelToken& cancel) {
    ingot::runtime::RunContext context;
    context.cancel = &cancel;
    context.state = state_.get();
    while (true) {
      const absl::Time begin = absl::Now();
      context.deadline = begin + absl::GetFlag(FLAGS_deadline);
      const absl::Status status = graph_->Run(arguments_, results_, context);
      if (absl::IsCancelled(status)) return absl::OkStatus();
      INGOT_RETURN_IF_ERROR(status);
      times_.push_back(absl::Now() - begin);
    }
  }

  const std::vector<absl::Duration>& times() const { return times_; }

 private:
  absl::StatusOr<ingot_tensor> NewTensor(const ingot::ir::TensorType& type,
                                         const ingot::ir::Dims& strides) {
    INGOT_ASSIGN_OR_RETURN(HostTensor tensor, HostTensor::Create(type, strides));
    return tensors_.emplace_back(std::move(tensor)).view();
  }

  std::shared_ptr<const CompiledGraph> graph_;
  std::vector<HostTensor> tensors_;
  std::vector<ingot_tensor> arguments_, results_;
  std::unique_ptr<ingot::runtime::State> state_;
  std::vector<absl::Duration> times_;
};

void Report(const std::vector<Client>& clients) {
  std::vector<absl::Duration> times;
  for (const Client& client : clients) {
    times.insert(times.end(), client.times().begin(), client.times().end());
  }
  std::sort(times.begin(), times.end());
  if (times.empty()) {
    std::cout << "no call ended in time\n";
    return;
  }
  std::cout << clients.size() << " clients: " << times.size() / absl::GetFlag(FLAGS_seconds)
            << " calls/s, p50 " << times[times.size() / 2] << ", p99 "
            << times[times.size() * 99 / 100] << "\n";
}

absl::Status Main(const std::string& path) {
  INGOT_ASSIGN_OR_RETURN(auto artifact, ingot::artifact::ReadArtifact(path));
  INGOT_ASSIGN_OR_RETURN(const auto options, OptionsFor(artifact));
  INGOT_ASSIGN_OR_RETURN(auto session, ingot::runtime::Session::Create(options));
  INGOT_ASSIGN_OR_RETURN(auto graph, session->Compile(std::move(artifact.recording)));

  std::vector<Client> clients;
  for (int i = 0; i < absl::GetFlag(FLAGS_clients); ++i) {
    INGOT_ASSIGN_OR_RETURN(Client client, Client::Create(graph));
    clients.push_back(std::move(client));
  }
  ingot::runtime::CancelToken stop;
  std::vector<absl::Status> outcomes(clients.size());
  std::vector<std::thread> threads;
  for (size_t i = 0; i < clients.size(); ++i) {
    threads.emplace_back([&, i] { outcomes[i] = clients[i].CallUntil(stop); });
  }
  absl::SleepFor(absl::Seconds(absl::GetFlag(FLAGS_seconds)));
  stop.Cancel();
  for (std::thread& thread : threads) thread.join();
  for (const absl::Status& outcome : outcomes) INGOT_RETURN_IF_ERROR(outcome);
  Report(clients);
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<char*> args = absl::ParseCommandLine(argc, argv);
  if (args.size() != 2) {
    std::cerr << "usage: service [--backend=NAME] [--clients=N] [--threads=N] MODEL.ingot\n";
    return 2;
  }
  const absl::Status status = Main(args[1]);
  if (!status.ok()) std::cerr << "service: " << status << "\n";
  return status.ok() ? 0 : 5;
}
