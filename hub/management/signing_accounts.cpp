// SPDX-License-Identifier: Apache-2.0
#include "registry/signing/accounts.h"

#include <nlohmann/json.hpp>

#include "hub/management/internal/envelope.h"
#include "hub/management/internal/paging.h"
#include "hub/management/internal/reader.h"
#include "hub/management/internal/shapes.h"
#include "hub/management/internal/signing_handlers.h"
#include "hub/management/internal/signing_shapes.h"
#include "registry/roles/scope.h"
#include "registry/signing/names.h"
#include "registry/signing/regions.h"
#include "registry/signing/sku.h"

namespace latchkey::hub::management {

using nlohmann::json;
using registry::Reason;
using registry::signing::Account;
using registry::signing::Accounts;
using registry::signing::NameFault;
using registry::signing::Sku;

namespace {

constexpr const char* kAccountType = "Microsoft.CodeSigning/codeSigningAccounts";

struct Wanted {
  registry::Call call;
  std::optional<Sku> sku;
};

Answer<Wanted> read_account(const Context& context) {
  LATCHKEY_TRY(reader, Reader::parse(context.body));
  auto root = reader->root();
  Wanted wanted{context.call, std::nullopt};
  read_envelope(root, Kept::kTracked, wanted.call);
  auto properties = root.object("properties");
  pass_read_only(properties, {"accountUri", "provisioningState"});
  auto sku = properties.object("sku");
  if (const auto name = sku.text("name")) {
    wanted.sku = registry::signing::sku_by_name(*name);
    if (!wanted.sku) sku.refuse(Reason::kInvalidArgument, "is Basic or Premium", "name");
  }
  LATCHKEY_TRY_VOID(reader->finish());
  return wanted;
}

// A region is one whether it is spelled with spaces or not.
Answer<registry::Nothing> check_region(const Wanted& wanted, const Account& account) {
  const auto& location = wanted.call.labels->location;
  const auto* asked = location ? registry::signing::region(*location) : nullptr;
  if (!location || (asked != nullptr && asked->code == account.region)) return registry::Nothing{};
  return fault(Reason::kImmutableProperty, "'location' cannot be changed: the account lies in '" + account.region + "'",
               "location");
}

Answer<Response> change(const Context& context, const Wanted& wanted, const Account& account) {
  LATCHKEY_TRY_VOID(check_region(wanted, account));
  LATCHKEY_TRY(changed,
               Accounts(rows_of(context))
                   .update(wanted.call, where_of(context), account.name, {wanted.sku, wanted.call.labels->tags}));
  return answer(200, account_json(changed));
}

Answer<Response> list_in(const Context& context, const registry::signing::Where& where) {
  LATCHKEY_TRY(all, Accounts(rows_of(context)).list(where));
  json value = json::array();
  for (const auto& account : all) value.push_back(account_json(account));
  return paged(context, std::move(value));
}

}  // namespace

Answer<Response> check_account_name(const Context& context) {
  LATCHKEY_TRY(reader, Reader::parse(context.body));
  auto root = reader->root();
  const auto name = root.text("name");
  const auto type = root.text("type");
  LATCHKEY_TRY_VOID(reader->finish());
  if (!name) return missing_member("name");
  if (type && !registry::roles::same_text(*type, kAccountType)) {
    return fault(Reason::kInvalidArgument, "'type' is " + std::string(kAccountType), "type");
  }
  LATCHKEY_TRY(found, Accounts(rows_of(context)).check_name(*name));
  json body = {{"nameAvailable", found == NameFault::kNone}};
  if (found == NameFault::kInvalid) {
    body.update({{"reason", "AccountNameInvalid"}, {"message", registry::signing::kAccountNameRule}});
  } else if (found == NameFault::kTaken) {
    body.update({{"reason", "AlreadyExists"}, {"message", "an account of that name is there already"}});
  }
  return answer(200, body);
}

Answer<Response> list_all_accounts(const Context& context) {
  return list_in(context, {context.place.subscription, {}});
}

Answer<Response> list_accounts(const Context& context) {
  LATCHKEY_TRY(group, registry::signing::Ground(rows_of(context)).find_group(where_of(context)));
  return list_in(context, {group.subscription, group.name});
}

Answer<Response> show_account(const Context& context) {
  LATCHKEY_TRY(account, Accounts(rows_of(context)).find(where_of(context), context.names[1]));
  return answer(200, account_json(account));
}

Answer<Response> create_account(const Context& context) {
  LATCHKEY_TRY(wanted, read_account(context));
  Accounts accounts(rows_of(context));
  if (const auto found = accounts.find(where_of(context), context.names[1])) return change(context, wanted, *found);
  const auto& labels = *wanted.call.labels;
  if (!labels.location) return missing_member("location");
  LATCHKEY_TRY(made, accounts.create(wanted.call, where_of(context),
                                     {context.names[1], *labels.location, wanted.sku.value_or(Sku::kBasic),
                                      labels.tags.value_or("")}));
  return answer(201, account_json(made));
}

Answer<Response> update_account(const Context& context) {
  LATCHKEY_TRY(wanted, read_account(context));
  LATCHKEY_TRY(found, Accounts(rows_of(context)).find(where_of(context), context.names[1]));
  return change(context, wanted, found);
}

Answer<Response> delete_account(const Context& context) {
  LATCHKEY_TRY_VOID(Accounts(rows_of(context)).remove(context.call, where_of(context), context.names[1]));
  return no_content();
}

Answer<Response> suspend_account(const Context& context) {
  LATCHKEY_TRY(reader, Reader::parse(context.body));
  const auto suspended = reader->root().flag("suspended");
  LATCHKEY_TRY_VOID(reader->finish());
  LATCHKEY_TRY(
      account,
      Accounts(rows_of(context)).suspend(context.call, where_of(context), context.names[1], suspended.value_or(true)));
  return answer(200, account_json(account));
}

}  // namespace latchkey::hub::management
