// A torch.export archive (.pt2): its program, its tensors, its sample arguments.
//
//   INGOT_ASSIGN_OR_RETURN(std::shared_ptr<const Archive> archive, Archive::Open("model.pt2"));
//   for (const auto& [fqn, tensor] : archive->tensors()) …
//
// Nothing in the file is run, and nothing of its weights is copied: tensors point into a mapping of
// the file that whoever holds `owner` keeps alive. Layout of the archive: the "PT2 Archive Spec" of
// PyTorch 2.13, torch/export/pt2_archive. Made for untrusted files; see zip_view.h, json.h,
// program.h. Immutable, thread-safe.
//
// Errors: NotFound (no such file), DataLoss (damaged), InvalidArgument (parts that make no sense),
// FailedPrecondition (of a version or kind that is not read here), Unimplemented.
#ifndef INGOT_FRONTENDS_PT2_ARCHIVE_H_
#define INGOT_FRONTENDS_PT2_ARCHIVE_H_

#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/base/env.h"
#include "core/ir/type.h"
#include "frontends/archive/zip_view.h"
#include "frontends/pt2/program.h"

namespace ingot::pt2 {

// A parameter, buffer or constant: a strided view of a record's bytes, all of it inside of them.
struct StoredTensor {
  ir::TensorType type;
  ir::Dims strides;    // in elements
  int64_t offset = 0;  // in elements
  absl::string_view storage;
  std::string record;  // tensors of one record share memory
};

class Archive {
 public:
  // `model`: which of the archive's models; empty: the only one, or the one called "model".
  static absl::StatusOr<std::shared_ptr<const Archive>> Open(const std::string& path,
                                                             absl::string_view model = "",
                                                             Env& env = Env::Default());
  // Of bytes that `owner` keeps alive.
  static absl::StatusOr<std::shared_ptr<const Archive>> Parse(absl::string_view bytes,
                                                              std::shared_ptr<const void> owner,
                                                              absl::string_view model = "");

  const Program& program() const { return program_; }
  const std::string& model_name() const { return model_; }
  // By FQN. Those that can't be used (another dtype, pickled objects) are in `refused` instead.
  const std::map<std::string, StoredTensor>& tensors() const { return tensors_; }
  // Why a name that the program may ask for is not in tensors().
  const std::map<std::string, absl::Status>& refused() const { return refused_; }
  // The pickled (args, kwargs) that the model was exported with; empty if there are none.
  absl::string_view sample_inputs() const { return sample_inputs_; }
  size_t num_bytes() const { return bytes_.size(); }
  const std::shared_ptr<const void>& owner() const { return owner_; }
  // The file that `data` lies in, which owner() keeps alive; nullptr if it lies in none.
  const ReadableMapping* FileOf(const void* data) const;

 private:
  Archive() = default;
  absl::Status Read(absl::string_view model);
  absl::Status CheckFormat();
  absl::Status ChooseModel(absl::string_view wanted);
  absl::Status ReadTensors(absl::string_view folder, absl::string_view config_suffix);
  absl::Status ReadTensor(absl::string_view folder, const std::string& fqn, const Json& payload);
  // The contents of "<root>/<name>", its checksum compared; NotFound if there is no such record.
  absl::StatusOr<absl::string_view> Text(absl::string_view name) const;

  absl::string_view bytes_;
  std::shared_ptr<const void> owner_;
  const ReadableMapping* file_ = nullptr;  // of an opened archive; is what owner_ owns
  archive::ZipView zip_;
  std::string root_;
  std::string model_;
  Program program_;
  std::map<std::string, StoredTensor> tensors_;
  std::map<std::string, absl::Status> refused_;
  absl::string_view sample_inputs_;
};

}  // namespace ingot::pt2

#endif  // INGOT_FRONTENDS_PT2_ARCHIVE_H_
