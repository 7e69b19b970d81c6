// SPDX-License-Identifier: Apache-2.0
// The part of the hubs' query language that is served, and the pages in which queries answer:
//
//   query     = "SELECT * FROM devices" [ "WHERE" condition *( "AND" condition ) ]
//   condition = field ( "=" | "!=" | "<>" ) ( "'" text "'" | "true" | "false" | number )
//   field     = name *( "." name )        of an identity's JSON, "devices." in front of it or not
//
// Keywords in any case.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "hub/management/internal/handlers.h"

namespace latchkey::hub::management {

class IdentityQuery {
 public:
  bool fits(const nlohmann::json& identity) const;
  // Not every one fits.
  bool chooses() const { return !conditions_.empty(); }

 private:
  friend Answer<IdentityQuery> parse_identity_query(const std::string& text);
  struct Condition {
    std::string field;  // as a JSON pointer
    bool equal = true;
    std::string value;  // as JSON
  };
  std::vector<Condition> conditions_;
};

// kInvalidArgument, with the word that was not understood.
Answer<IdentityQuery> parse_identity_query(const std::string& text);

// x-ms-max-item-count, from 1 to `most`; `usual` without it.
Answer<std::size_t> item_limit(const Context& context, std::size_t usual, std::size_t most);
// What an earlier page's x-ms-continuation says; empty without one.
Answer<std::string> continuation(const Context& context);

}  // namespace latchkey::hub::management
