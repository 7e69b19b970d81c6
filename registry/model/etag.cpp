// SPDX-License-Identifier: Apache-2.0
#include "registry/model/etag.h"

namespace latchkey::registry {
namespace {

std::string start_of(const Uuid& id) {
  constexpr std::size_t kDigits = 18;  // sixteen of them, and two hyphens
  return std::string(view(to_text(id)).substr(0, kDigits));
}

}  // namespace

std::string etag_of(const Device& device) { return start_of(device.uuid) + "-" + std::to_string(device.version); }

std::string etag_of(const Enrollment& enrollment) {
  return start_of(enrollment.uuid) + "-" + std::to_string(enrollment.updated);
}

std::string etag_of(const HubCertificate& certificate) {
  return start_of(certificate.ca) + "-" + std::to_string(certificate.created);
}

}  // namespace latchkey::registry
