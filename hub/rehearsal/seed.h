// SPDX-License-Identifier: Apache-2.0
// Seed: a document that says what a rehearsal starts with (docs/rehearsal.md, docs/schemas/seed.schema.json), done as
// the requests that an operator would have made: so there is one set of rules, and one set of refusals.
//
// All or nothing: what was done is undone by the caller when one request is refused. What a document names must not be
// there yet, but for namespaces and hubs, to which it may add.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "registry/model/refusal.h"

namespace latchkey::hub::rehearsal {

// What management answers.
struct PlaneReply {
  int status = 0;
  std::string body;
};
// A request to management in the name of whoever seeds; `path` with its query.
using Plane = std::function<PlaneReply(const std::string& method, const std::string& path, const std::string& body)>;

// One request, and the JSON pointer of what it comes from.
struct SeedStep {
  std::string method;
  std::string path;
  std::string body;
  std::string pointer;
  // What is asked for first: when that is there, the request is left out.
  std::string unless = {};
  std::string token_of = {};  // the answer has the token of that principal
  std::string undo = {};      // DELETE of this takes it back, where going back to the state before does not
};

// The requests of a document, in an order in which what is named later is there. kMalformedRequest, with the JSON
// pointer at fault.
registry::Outcome<std::vector<SeedStep>> read_seed(std::string_view document);

// What came of it.
struct Seeded {
  std::size_t made = 0;
  std::vector<std::pair<std::string, std::string>> tokens;  // principal, token: they are told this once
  std::vector<std::string> undo;                            // of what was made, the last one first
  // Of the request that was refused; status 0: none was.
  PlaneReply refusal;
  std::string pointer;
};
// Stops at the first refusal.
Seeded apply_seed(const std::vector<SeedStep>& steps, const Plane& plane);

}  // namespace latchkey::hub::rehearsal
