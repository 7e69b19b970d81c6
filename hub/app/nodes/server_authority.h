// SPDX-License-Identifier: Apache-2.0
// The server CA that nodes on one registry have in common: the first of them makes it, the registry names it, and its
// key lies where they keep the keys of CAs.
#pragma once

#include "hub/app/nodes/node.h"
#include "hub/brokers/server_certificate.h"
#include "hub/ca/key_provider.h"
#include "registry/operations/registry.h"

namespace latchkey::hub::app {

// `keys` are for this purpose alone, and are the other nodes', too. kStorage, kInternal; kNotFound,
// kPreconditionFailed: this node cannot use the key.
registry::Outcome<brokers::ServerAuthority> agree_on_server_authority(registry::Registry& registry, const Node& node,
                                                                      ca::KeyProvider& keys);

}  // namespace latchkey::hub::app
