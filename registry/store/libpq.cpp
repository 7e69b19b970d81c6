// SPDX-License-Identifier: Apache-2.0
#include "registry/store/internal/libpq.h"

#include <dlfcn.h>

#include <optional>
#include <type_traits>

namespace latchkey::registry::store {
namespace {

bool find_all(void* library, Libpq& pq) {
  const auto find = [library](auto& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(::dlsym(library, name));
    return function != nullptr;
  };
  return find(pq.conninfo_parse, "PQconninfoParse") && find(pq.conninfo_free, "PQconninfoFree") &&
         find(pq.free_memory, "PQfreemem") && find(pq.connect, "PQconnectdbParams") && find(pq.finish, "PQfinish") &&
         find(pq.status, "PQstatus") && find(pq.error_message, "PQerrorMessage") &&
         find(pq.server_version, "PQserverVersion") && find(pq.parameter_status, "PQparameterStatus") &&
         find(pq.socket, "PQsocket") && find(pq.set_notice_processor, "PQsetNoticeProcessor") &&
         find(pq.consume_input, "PQconsumeInput") && find(pq.notifies, "PQnotifies") &&
         find(pq.backend_pid, "PQbackendPID") && find(pq.exec, "PQexec") && find(pq.send_prepare, "PQsendPrepare") &&
         find(pq.send_query_prepared, "PQsendQueryPrepared") && find(pq.send_query_params, "PQsendQueryParams") &&
         find(pq.get_result, "PQgetResult") && find(pq.enter_pipeline, "PQenterPipelineMode") &&
         find(pq.exit_pipeline, "PQexitPipelineMode") && find(pq.pipeline_sync, "PQpipelineSync") &&
         find(pq.result_status, "PQresultStatus") && find(pq.error_field, "PQresultErrorField") &&
         find(pq.command_status, "PQcmdStatus") && find(pq.command_tuples, "PQcmdTuples") &&
         find(pq.rows, "PQntuples") && find(pq.columns, "PQnfields") && find(pq.type_of, "PQftype") &&
         find(pq.is_null, "PQgetisnull") && find(pq.length, "PQgetlength") && find(pq.value, "PQgetvalue") &&
         find(pq.clear, "PQclear");
}

}  // namespace

const Libpq* loaded_libpq() {
  static const auto loaded = []() -> std::optional<Libpq> {
    Libpq pq{};
    void* const library = ::dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr || !find_all(library, pq)) return std::nullopt;
    return pq;
  }();
  return loaded ? &*loaded : nullptr;
}

}  // namespace latchkey::registry::store
