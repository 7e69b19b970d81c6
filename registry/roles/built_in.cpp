// SPDX-License-Identifier: Apache-2.0
// Sources: Azure's built-in roles as its documentation prints them (general, internet of things, and the published
// definitions of the two signing roles). Left out: actions of providers that do not exist here.
#include "registry/roles/built_in.h"

#include <algorithm>

#include "registry/roles/scope.h"

namespace latchkey::registry::roles {
namespace {

using Patterns = std::vector<std::string>;

RoleDefinition role(std::string_view id, std::string name, std::string description, Patterns actions,
                    Patterns not_actions = {}, Patterns data_actions = {}) {
  RoleDefinition made;
  made.id = *parse_uuid(id);
  made.name = std::move(name);
  made.description = std::move(description);
  made.built_in = true;
  made.actions = std::move(actions);
  made.not_actions = std::move(not_actions);
  made.data_actions = std::move(data_actions);
  made.assignable_scopes = {std::string(kEverything)};
  return made;
}

// Principals are resources only here; in Azure they belong to the directory, where none of these roles reaches. Who may
// not assign roles may not make or delete principals either: deleting one deletes its assignments.
const std::string kPrincipals = "Latchkey/principals/";

std::vector<RoleDefinition> general_roles() {
  return {
      role("8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "Owner", "Everything of the control plane, roles included", {"*"}),
      role(kContributorId, "Contributor", "Everything of the control plane but roles", {"*"},
           {"Microsoft.Authorization/*/Delete", "Microsoft.Authorization/*/Write",
            "Microsoft.Authorization/elevateAccess/Action", kPrincipals + "write", kPrincipals + "delete"}),
      role("acdd72a7-3385-48ef-bd42-f606fba81ae7", "Reader", "Sees everything of the control plane", {"*/read"}),
      role("18d7d88d-d35e-4fb5-a5c3-7773c20a72d9", "User Access Administrator", "Assigns roles, and sees everything",
           {"*/read", "Microsoft.Authorization/*", kPrincipals + "*"}),
  };
}

std::vector<RoleDefinition> device_registry_roles() {
  return {
      role(kCredentialsContributorId, "Azure Device Registry Credentials Contributor",
           "Credentials and policies of namespaces",
           {"Microsoft.DeviceRegistry/namespaces/credentials/*",
            "Microsoft.DeviceRegistry/namespaces/credentials/policies/*"}),
      role("a5c3590a-3a1a-4cd4-9648-ea0a32b15137", "Azure Device Registry Contributor", "Devices of namespaces",
           {"Microsoft.DeviceRegistry/namespaces/read", "Microsoft.DeviceRegistry/namespaces/devices/*",
            "Microsoft.DeviceRegistry/namespaces/discoveredDevices/*",
            "Microsoft.DeviceRegistry/namespaces/credentials/read",
            "Microsoft.DeviceRegistry/namespaces/credentials/policies/read", "Microsoft.Devices/IotHubs/certificates/*",
            "Microsoft.Devices/IotHubs/read"},
           {},
           {"Microsoft.DeviceRegistry/namespaces/credentials/policies/issueCertificate/action",
            "Microsoft.Devices/IotHubs/devices/*"}),
      role("547f7f0a-69c0-4807-bd9e-0321dfb66a84", "Azure Device Registry Onboarding",
           "Sets up namespaces, hubs and enrollments",
           {"Microsoft.DeviceRegistry/namespaces/read", "Microsoft.DeviceRegistry/namespaces/write",
            "Microsoft.DeviceRegistry/namespaces/delete", "Microsoft.DeviceRegistry/namespaces/credentials/*",
            "Microsoft.DeviceRegistry/namespaces/credentials/policies/*", "Microsoft.Devices/IotHubs/*",
            "Microsoft.Devices/provisioningServices/*"},
           {},
           {"Microsoft.Devices/provisioningServices/enrollments/*",
            "Microsoft.Devices/provisioningServices/enrollmentGroups/*"}),
  };
}

std::vector<RoleDefinition> data_roles() {
  return {
      role("4fc6c259-987e-4a07-842e-c321cc9d413f", "IoT Hub Data Contributor", "Everything inside hubs", {}, {},
           {"Microsoft.Devices/IotHubs/*"}),
      role("b447c946-2db7-41ec-983d-d8bf3b1c77e3", "IoT Hub Data Reader", "Sees everything inside hubs", {}, {},
           {"Microsoft.Devices/IotHubs/*/read", "Microsoft.Devices/IotHubs/fileUpload/notifications/action"}),
      role("dfce44e4-17b7-4bd1-a6d1-04996ec95633", "Device Provisioning Service Data Contributor",
           "Everything inside provisioning services, keys included", {}, {},
           {"Microsoft.Devices/provisioningServices/*"}),
      role("10745317-c249-44a1-a5ce-3a4353c0bbd8", "Device Provisioning Service Data Reader",
           "Sees everything inside provisioning services but keys", {}, {},
           {"Microsoft.Devices/provisioningServices/*/read"}),
  };
}

std::vector<RoleDefinition> signing_roles() {
  return {
      role("4339b7cf-9826-4e41-b4ed-c7f4505dac08", "Artifact Signing Identity Verifier",
           "Identity validations of signing accounts", {"Microsoft.CodeSigning/*/read"}, {},
           {"Microsoft.CodeSigning/IdentityVerification/Read", "Microsoft.CodeSigning/IdentityVerification/Write",
            "Microsoft.CodeSigning/IdentityVerification/Delete"}),
      role("2837e146-70d7-4cfd-ad55-7efa6464f958", "Artifact Signing Certificate Profile Signer",
           "Signs with the certificates of a profile", {"Microsoft.CodeSigning/*/read"}, {},
           {"Microsoft.CodeSigning/certificateProfiles/Sign/action"}),
  };
}

std::vector<RoleDefinition> all_roles() {
  std::vector<RoleDefinition> all;
  for (auto part : {general_roles, device_registry_roles, data_roles, signing_roles}) {
    for (auto& one : part()) all.push_back(std::move(one));
  }
  return all;
}

template <class Is>
const RoleDefinition* find(Is is) {
  const auto& all = built_in_roles();
  const auto found = std::find_if(all.begin(), all.end(), is);
  return found == all.end() ? nullptr : &*found;
}

}  // namespace

const std::vector<RoleDefinition>& built_in_roles() {
  static const std::vector<RoleDefinition> roles = all_roles();
  return roles;
}

const RoleDefinition* built_in_role(const Uuid& id) {
  return find([&](const RoleDefinition& one) { return one.id == id; });
}

const RoleDefinition* built_in_role(std::string_view name) {
  return find([&](const RoleDefinition& one) { return same_text(one.name, name); });
}

}  // namespace latchkey::registry::roles
