// SPDX-License-Identifier: Apache-2.0
// A document that HTTP caches may keep for a moment: the answer with the fields that they go by (RFC 9110 sections 8.8
// and 13.1.2, RFC 5019 section 6.2). Threads: any.
#pragma once

#include <string>

#include "hub/http/message.h"
#include "platform/base/ids.h"

namespace latchkey::hub::revocation {

struct Document {
  std::string type;
  std::string content;
  std::string tag;  // without quotes; the same for the same content
  UnixMs modified = 0;
  UnixMs expires = 0;
};

// 200, or 304 when the request knows the content. A cache may keep it for `max_age_s`, and not beyond its end. `now` is
// the rehearsal's, as all the times in it are.
http::Response answer(const http::Request& request, Document document, UnixMs now, int max_age_s);

bool reads(const http::Request& request);  // GET or HEAD
// One line of text, which nobody keeps.
http::Response plain(int status, const std::string& text);
http::Response not_allowed(const std::string& allowed);  // 405

}  // namespace latchkey::hub::revocation
