// SPDX-License-Identifier: Apache-2.0
// What devices report about firmware, from the words of agent/protocol to those of the registry. A pure function; what
// comes in is a stranger's, and its one reader is the one that devices are tested with.
#pragma once

#include <optional>

#include "agent/protocol/firmware.h"
#include "registry/firmware/model.h"

namespace latchkey::hub::firmware {

using registry::Bytes;

struct SpokenReport {
  registry::firmware::Report report;  // without the time
  Bytes bundle;                       // that it is about; empty: none
};
// Nothing: agent::firmware::parse_report does not take it, it is none of the registry's events, or a version is higher
// than any that a hub gives out.
std::optional<SpokenReport> read_report(ByteView body);

}  // namespace latchkey::hub::firmware
