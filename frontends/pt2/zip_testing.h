// Zip archives for tests: stored records, one after the other.
#ifndef INGOT_FRONTENDS_PT2_ZIP_TESTING_H_
#define INGOT_FRONTENDS_PT2_ZIP_TESTING_H_

#include <string>
#include <utility>
#include <vector>

namespace ingot::pt2 {

// A zip archive of (name, bytes).
std::string MakeZip(const std::vector<std::pair<std::string, std::string>>& records);

// The records of a torch.export archive around a program's JSON and the two payload configs.
// `weights` are (path_name, bytes).
std::string MakeArchive(const std::string& program_json, const std::string& weights_config,
                        const std::vector<std::pair<std::string, std::string>>& weights = {});

}  // namespace ingot::pt2

#endif  // INGOT_FRONTENDS_PT2_ZIP_TESTING_H_
