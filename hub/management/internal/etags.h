// SPDX-License-Identifier: Apache-2.0
// The conditions of a request (RFC 9110 section 13): If-Match and If-None-Match.
#pragma once

#include <string>
#include <vector>

#include "hub/management/internal/handlers.h"

namespace latchkey::hub::management {

// The entity tags of an If-Match field: a list, weak or strong, with quotes or, as some clients write them, without.
// Empty of no field and of "*": whatever is there. kMalformedRequest, as for one that is longer than any list is.
Answer<std::vector<std::string>> etags_in(const std::string& field);

// kPreconditionFailed unless there may be such a resource, or may not, by the request's conditions: "If-None-Match: *"
// wants that there is none, any If-Match that there is one.
Answer<registry::Nothing> check_presence(const Context& context, bool present);

}  // namespace latchkey::hub::management
