// SPDX-License-Identifier: Apache-2.0
#include "registry/model/etag.h"

namespace latchkey::registry {
namespace {

std::string start_of(const Uuid& id) {
  constexpr std::size_t kDigits = 18;  // sixteen of them, and two hyphens
  return std::string(view(to_text(id)).substr(0, kDigits));
}

// Of those that are ordered by time the end tells apart what was made at once.
std::string end_of(const Uuid& id) {
  constexpr std::size_t kDigits = 17;  // sixteen of them, and a hyphen
  const auto text = to_text(id);
  return std::string(view(text).substr(view(text).size() - kDigits));
}

}  // namespace

std::string etag_of(const Device& device) { return end_of(device.uuid) + "-" + std::to_string(device.version); }

std::string etag_of(const Enrollment& enrollment) {
  return end_of(enrollment.uuid) + "-" + std::to_string(enrollment.updated);
}

std::string etag_of(const HubCertificate& certificate) {
  return start_of(certificate.ca) + "-" + std::to_string(certificate.created);
}

}  // namespace latchkey::registry
