// The version of ingot: what `ingot --version`, the plugins and the files that it writes say.
#ifndef INGOT_CORE_BASE_VERSION_H_
#define INGOT_CORE_BASE_VERSION_H_

namespace ingot {

inline constexpr char kVersion[] = "0.1.0";

}  // namespace ingot

#endif  // INGOT_CORE_BASE_VERSION_H_
