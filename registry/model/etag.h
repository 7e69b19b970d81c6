// SPDX-License-Identifier: Apache-2.0
// Entity tags of resources: texts that change whenever the resource does, and that a caller gives back to say which
// state of it he saw (Call::if_match). Taken from the row itself, so that a body and its tag are of one moment.
#pragma once

#include <string>

#include "registry/model/resources.h"

namespace latchkey::registry {

// The uuid's first half, and the version: a device that was deleted and made again under its id has another one.
std::string etag_of(const Device& device);
std::string etag_of(const Enrollment& enrollment);
// A hub's certificate never changes: another CA comes under another name.
std::string etag_of(const HubCertificate& certificate);

}  // namespace latchkey::registry
