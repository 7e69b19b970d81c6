// SPDX-License-Identifier: Apache-2.0
// Twins and direct methods, under the paths that they have at a hub's own service API.
#include "hub/management/internal/handlers.h"
#include "hub/management/internal/reader.h"
#include "hub/text/twin_members.h"

namespace latchkey::hub::management {

using registry::Reason;

namespace {

Answer<DeviceTwins*> room(const Context& context) {
  if (context.parts.twins) return context.parts.twins;
  return fault(Reason::kNotConfigured, "this process serves no hub");
}

std::string namespace_of(const Context& context) { return context.query_value("namespace").value_or("default"); }

// One entity tag, strong, with quotes or, as some clients write it, without; `*` and none at all match whatever is
// there (RFC 9110 section 13.1.1).
Answer<std::optional<std::string>> wanted_etag(const std::string& field) {
  std::string_view tag = field;
  if (tag.empty() || tag == "*" || tag == "\"*\"") return std::optional<std::string>();
  const bool quoted = tag.size() >= 2 && tag.front() == '"' && tag.back() == '"';
  if (quoted) tag = tag.substr(1, tag.size() - 2);
  if (tag.empty() || tag.find_first_of("\", ") != std::string_view::npos) {
    return fault(Reason::kMalformedRequest, "'If-Match' must be '*' or one strong entity tag", "If-Match");
  }
  return std::optional<std::string>(tag);
}

// What operators write; what only the service writes may stand beside it (hub/text/twin_members.h).
constexpr const char* kTwinMembers[] = {"tags", "properties"};
constexpr const char* kMethodMembers[] = {"methodName", "payload", "responseTimeoutInSeconds",
                                          "connectTimeoutInSeconds"};

// An object without other members; what they say is read behind the port.
template <class Names>
Answer<registry::Nothing> check_members(const Context& context, const Names& names,
                                        const std::vector<std::string_view>& passed_over = {}) {
  LATCHKEY_TRY(reader, Reader::parse(context.body));
  auto root = reader->root();
  for (const char* name : names) root.pass(name);
  for (const auto name : passed_over) root.pass(std::string(name));
  return reader->finish();
}

Response twin_answer(DeviceTwins::Shown shown) { return {200, std::move(shown.body), std::move(shown.etag)}; }

Answer<Response> write_twin(const Context& context, DeviceTwins::Write how) {
  LATCHKEY_TRY_VOID(check_members(context, kTwinMembers, {text::kTwinReadOnly.begin(), text::kTwinReadOnly.end()}));
  LATCHKEY_TRY(twins, room(context));
  LATCHKEY_TRY(etag, wanted_etag(context.if_match));
  LATCHKEY_TRY(shown, twins->write(context.call, namespace_of(context), context.names[0], how, context.body, etag));
  return twin_answer(std::move(shown));
}

}  // namespace

Answer<Response> show_twin(const Context& context) {
  LATCHKEY_TRY(twins, room(context));
  LATCHKEY_TRY(shown, twins->show(namespace_of(context), context.names[0]));
  return twin_answer(std::move(shown));
}

Answer<Response> update_twin(const Context& context) { return write_twin(context, DeviceTwins::Write::kMerge); }
Answer<Response> replace_twin(const Context& context) { return write_twin(context, DeviceTwins::Write::kReplace); }

Answer<Response> invoke_method(const Context& context) {
  LATCHKEY_TRY_VOID(check_members(context, kMethodMembers));
  LATCHKEY_TRY(twins, room(context));
  LATCHKEY_TRY(body, twins->invoke(context.call, namespace_of(context), context.names[0], context.body));
  return Response{200, std::move(body)};
}

}  // namespace latchkey::hub::management
