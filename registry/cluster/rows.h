// SPDX-License-Identifier: Apache-2.0
// The nodes' rows. Each act is one transaction, durable when it answers: with a synchronous standby a node that is
// cut off from it renews nothing, and no failover takes back what gave a lease, made a node lost or let one join. But
// for what a node confirms: that may be lost, waits for no disk, and is said again.
//
// kStorage from each.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "registry/cluster/node.h"
#include "registry/store/sql.h"

namespace latchkey::registry::cluster {

Outcome<std::vector<Node>> list_nodes(store::Database& database);  // by name
Outcome<std::optional<Node>> find_node(store::Database& database, const std::string& name);

// As a live one, with the name, incarnation, lease, address and version given. False: there is one of that name.
Outcome<bool> insert_node(store::Database& database, const Node& node);
// The same over `before`, which has its name. False: that is no longer as it was read.
Outcome<bool> take_over_node(store::Database& database, const Node& before, const Node& node);

// The acts of a node on its own row. Nothing, or false: it is not live with that incarnation any more.
// The newest change, as of a moment behind the call.
Outcome<std::optional<Sequence>> renew_node(store::Database& database, const std::string& name,
                                            const Uuid& incarnation);
Outcome<bool> confirm_node(store::Database& database, const std::string& name, const Uuid& incarnation,
                           Sequence applied, Sequence cut);
Outcome<bool> note_load(store::Database& database, const std::string& name, const Uuid& incarnation, const Load& load);
Outcome<bool> leave_node(store::Database& database, const std::string& name, const Uuid& incarnation);

// The acts of others. False: it was not live, or not with that incarnation and beat.
Outcome<bool> lose_node(store::Database& database, const Node& node);
// False: there is none of that name that is live. It says anew when it is drained.
Outcome<bool> drain_node(store::Database& database, const std::string& name, bool draining);
// False: there is none of that name that is not live.
Outcome<bool> forget_node(store::Database& database, const std::string& name);

// Who does what one node is to do for all: the mark of a node, or nothing if nobody did yet.
std::string mark_of(const std::string& name, const Uuid& incarnation);
Outcome<std::string> duty_holder(store::Database& database);
// False: `before` does not have it any more.
Outcome<bool> take_duty(store::Database& database, const std::string& before, const std::string& ours);

// Another number after each commit of an operation that may change how devices are judged (Registry::edition()),
// whichever node did it.
Outcome<std::int64_t> shared_edition(store::Database& database);

// A setting that is written once: the value that it has, which is `ours` if it had none.
Outcome<std::string> agree(store::Database& database, const std::string& setting, const std::string& ours);

}  // namespace latchkey::registry::cluster
