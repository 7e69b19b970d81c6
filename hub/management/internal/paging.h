// SPDX-License-Identifier: Apache-2.0
// Lists in pages: "$top" items (or "top"), and a link to those after them. A link holds an opaque "$skipToken", the
// name of the last item: what is made or deleted between two pages makes no item come twice and none be left out.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "hub/management/internal/handlers.h"

namespace latchkey::hub::management {

// The name after which the page begins; empty: at the start. kMalformedRequest when it is no token of ours.
Answer<std::string> page_start(const Context& context);
// The link to the page that begins after that name.
std::string next_link(const Context& context, std::size_t top, const std::string& after);

// A page of a whole list of objects, by their member `key`, sorted by it. Without "$top": everything from the start on.
Answer<Response> paged(const Context& context, nlohmann::json value, const char* key = "name");

}  // namespace latchkey::hub::management
