// SPDX-License-Identifier: Apache-2.0
// Which incarnation of a node a data folder has (registry/cluster/membership.h): {"origin": "...", "incarnation":
// "..."}.
//
// The brokers of a folder may hold leases of its incarnation, so nobody else may go on with it. The folder's lock keeps
// other processes away; the origin (this boot of this machine, this folder's inode) keeps copies away: a folder that
// was copied, restored or started behind a reboot has no incarnation, and joins when the leases of the one before have
// ended.
#pragma once

#include <filesystem>
#include <string>

#include "platform/base/ids.h"
#include "registry/model/refusal.h"

namespace latchkey::hub::app {

// Of the folder in which the note lies; empty when the system does not say.
std::string note_origin(const std::filesystem::path& note);
// Zero: none, or not this folder's.
Uuid read_node_note(const std::filesystem::path& note);
// Durably. kStorage.
registry::Outcome<registry::Nothing> write_node_note(const std::filesystem::path& note, const Uuid& incarnation);

}  // namespace latchkey::hub::app
