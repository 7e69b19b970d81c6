// SPDX-License-Identifier: Apache-2.0
#include "agent/update/manifest.h"

#include "tests/fuzz/target.h"

namespace latchkey::fuzz {

LATCHKEY_FUZZ_TARGET(manifest) {
  const auto read = agent::read_manifest(input);
  if (!read) return;
  require(input.size() <= agent::Manifest::kTextMax, "a manifest is small");
  require(agent::valid_component_name(read->board), "a board has a name");
  require_inside(read->board, input);
  require_inside(read->sha256, input);
  require(read->sha256.size() == agent::Manifest::kDigestSize, "a digest has its size");
  require(read->size >= 1 && read->size <= agent::Manifest::kImageMax, "an image has a size");
  require(!(read->version < read->minimum_version), "the floor is not above the version");
  require(read->dependency_count <= agent::Manifest::kDependenciesMax, "dependencies are bounded");
  for (std::size_t i = 0; i < read->dependency_count; ++i) {
    require_inside(read->dependencies[i].component, input);
    for (std::size_t j = 0; j < i; ++j) {
      require(read->dependencies[i].component != read->dependencies[j].component, "a component is named once");
    }
  }
  const std::string with_more = std::string(input.text()) + '\0';
  require(!agent::read_manifest(with_more), "nothing may stand behind a manifest");
  if (read->dependency_count > 1) note_good();
}

}  // namespace latchkey::fuzz
