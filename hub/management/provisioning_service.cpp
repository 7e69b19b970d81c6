// SPDX-License-Identifier: Apache-2.0
// What the service API of provisioning services has beside single enrollments: many at once, queries, and the
// registrations of a group.
#include <nlohmann/json.hpp>

#include "hub/management/internal/actions.h"
#include "hub/management/internal/authorization.h"
#include "hub/management/internal/handlers.h"
#include "hub/management/internal/identity_query.h"
#include "hub/management/internal/reader.h"
#include "hub/management/internal/shapes.h"
#include "hub/management/internal/text.h"
#include "hub/text/json.h"
#include "registry/roles/scope.h"

namespace latchkey::hub::management {

using nlohmann::json;
using registry::Reason;

namespace {

constexpr std::size_t kMostAtOnce = 10;
constexpr std::size_t kLargestPage = 1000;
constexpr std::size_t kUsualPage = 100;

const char* id_name(bool group) { return group ? "enrollmentGroupId" : "registrationId"; }

// A page, and in its fields what it is of and where the next one begins.
Response page_answer(const json& items, const std::string& next, const char* type) {
  auto response = answer(200, items);
  response.fields.emplace_back("x-ms-item-type", type);
  if (!next.empty()) response.fields.emplace_back("x-ms-continuation", base64(ByteView(next)));
  return response;
}

// "SELECT * FROM enrollments", whatever stands for the star: there is nothing to choose.
Answer<registry::Nothing> check_query(const Context& context, const char* from) {
  LATCHKEY_TRY(reader, Reader::parse(context.body));
  const auto text = reader->root().text("query").value_or("");
  LATCHKEY_TRY_VOID(reader->finish());
  std::string words;
  for (const char c : text) {
    const bool space = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    if (!space) words += c;
    if (space && !words.empty() && words.back() != ' ') words += ' ';
  }
  while (!words.empty() && words.back() == ' ') words.pop_back();
  if (registry::roles::same_text(words, std::string("SELECT * FROM ") + from)) return registry::Nothing{};
  return fault(Reason::kInvalidArgument, std::string("there is no query but SELECT * FROM ") + from, "query");
}

struct Item {
  std::string id;
  std::string etag;
  std::string body;
};

Answer<std::vector<Item>> read_items(const Context& context, bool group, std::string& mode) {
  LATCHKEY_TRY(reader, Reader::parse(context.body));
  auto root = reader->root();
  const char* list_name = group ? "enrollmentGroups" : "enrollments";
  mode = root.text("mode").value_or("");
  const auto* list = root.any_array(list_name);
  LATCHKEY_TRY_VOID(reader->finish());  // a member that nobody knows is named before one that nobody gave
  if (mode != "create" && mode != "update" && mode != "updateIfMatchETag" && mode != "delete") {
    return fault(Reason::kInvalidArgument, "'mode' is none of create, update, updateIfMatchETag and delete", "mode");
  }
  if (!list || list->empty() || list->size() > kMostAtOnce) {
    return fault(Reason::kInvalidArgument, std::string("'") + list_name + "' has to be 1 to 10 enrollments", list_name);
  }
  std::vector<Item> items;
  for (const auto& one : *list) {
    if (!one.is_object() || !one.contains(id_name(group)) || !one[id_name(group)].is_string()) {
      return fault(Reason::kMalformedRequest, std::string("an enrollment has no '") + id_name(group) + "'", list_name);
    }
    const auto etag = one.find("etag");
    items.push_back(
        {one[id_name(group)], etag != one.end() && etag->is_string() ? etag->get<std::string>() : "", text::dump(one)});
  }
  return items;
}

template <bool kGroup>
Answer<Response> act_on(const Context& context, const Item& item, const std::string& mode) {
  Request request = *context.request;
  request.if_match.clear();
  if (mode == "update") request.if_match = "*";
  if (mode == "updateIfMatchETag") request.if_match = item.etag.empty() ? "-" : item.etag;
  Context single{context.parts,    context.ca_acts, context.call,   item.body, {item.id}, {},
                 request.if_match, context.place,   Face::kService, &request};
  single.call.if_match.clear();
  if (mode == "updateIfMatchETag") single.call.if_match = {request.if_match};
  return mode == "delete" ? delete_enrollment<kGroup>(single) : create_enrollment<kGroup>(single);
}

// The route asks for the leave to write, and a body can ask for more than that.
Answer<registry::Nothing> check_may_delete(const Context& context, bool group) {
  const Question question{group ? kDeleteEnrollmentGroup : kDeleteEnrollment,
                          resource_id(context.place, {group ? "enrollmentGroups" : "enrollments"})};
  auto no = refused(context.registry(), context.parts.parity, context.request->caller, context.call.now, question);
  if (no) return tl::unexpected<Fault>(Fault(*std::move(no)));
  return registry::Nothing{};
}

}  // namespace

template <bool kGroup>
Answer<Response> change_enrollments(const Context& context) {
  std::string mode;
  LATCHKEY_TRY(items, read_items(context, kGroup, mode));
  if (mode == "delete") LATCHKEY_TRY_VOID(check_may_delete(context, kGroup));
  json errors = json::array();
  for (const auto& item : items) {
    const auto done = act_on<kGroup>(context, item, mode);
    if (done) continue;
    const auto& refusal = done.error().refusal;
    errors.push_back({{id_name(kGroup), item.id},
                      {"errorCode", registry::faces(refusal.reason).http_status * 1000},
                      {"errorStatus", refusal.detail}});
  }
  const bool good = errors.empty();
  return answer(200, {{"isSuccessful", good}, {"errors", std::move(errors)}});
}

template <bool kGroup>
Answer<Response> query_enrollments(const Context& context) {
  LATCHKEY_TRY_VOID(check_query(context, kGroup ? "enrollmentGroups" : "enrollments"));
  LATCHKEY_TRY(most, item_limit(context, kUsualPage, kLargestPage));
  LATCHKEY_TRY(after, continuation(context));
  LATCHKEY_TRY(page, context.registry().enrollments_after(kGroup, after, most));
  Names names(context.registry());
  json items = json::array();
  for (const auto& enrollment : page.enrollments) items.push_back(enrollment_json(enrollment, names));
  return page_answer(items, page.next, kGroup ? "enrollmentGroup" : "enrollment");
}

// The devices that a group has brought in.
Answer<Response> query_registrations(const Context& context) {
  LATCHKEY_TRY(reader, Reader::parse(context.body));
  LATCHKEY_TRY_VOID(reader->finish());
  LATCHKEY_TRY(group, context.registry().find_enrollment(context.names[0], true));
  LATCHKEY_TRY(most, item_limit(context, kUsualPage, kLargestPage));
  LATCHKEY_TRY(after, continuation(context));
  LATCHKEY_TRY(page, context.registry().registrations_after(group.uuid, after, most));
  Names names(context.registry());
  json items = json::array();
  for (const auto& registration : page.registrations) items.push_back(registration_json(registration, names));
  return page_answer(items, page.next, "deviceRegistrationState");
}

Answer<Response> delete_registration(const Context& context) {
  LATCHKEY_TRY_VOID(context.registry().delete_registration(context.call, context.names[0]));
  return no_content();
}

template Answer<Response> change_enrollments<false>(const Context&);
template Answer<Response> change_enrollments<true>(const Context&);
template Answer<Response> query_enrollments<false>(const Context&);
template Answer<Response> query_enrollments<true>(const Context&);

}  // namespace latchkey::hub::management
