// SPDX-License-Identifier: Apache-2.0
// libpq, loaded when a store is on PostgreSQL: with the libraries that it needs (LDAP, Kerberos) it would otherwise
// cost every command of the command line some milliseconds.
#pragma once

#include <libpq-fe.h>

namespace latchkey::registry::store {

struct Libpq {
  decltype(&PQconninfoParse) conninfo_parse;
  decltype(&PQconninfoFree) conninfo_free;
  decltype(&PQfreemem) free_memory;
  decltype(&PQconnectdbParams) connect;
  decltype(&PQfinish) finish;
  decltype(&PQstatus) status;
  decltype(&PQerrorMessage) error_message;
  decltype(&PQserverVersion) server_version;
  decltype(&PQparameterStatus) parameter_status;
  decltype(&PQsocket) socket;
  decltype(&PQsetNoticeProcessor) set_notice_processor;
  decltype(&PQconsumeInput) consume_input;
  decltype(&PQnotifies) notifies;
  decltype(&PQbackendPID) backend_pid;
  decltype(&PQexec) exec;
  decltype(&PQsendPrepare) send_prepare;
  decltype(&PQsendQueryPrepared) send_query_prepared;
  decltype(&PQsendQueryParams) send_query_params;
  decltype(&PQgetResult) get_result;
  decltype(&PQenterPipelineMode) enter_pipeline;
  decltype(&PQexitPipelineMode) exit_pipeline;
  decltype(&PQpipelineSync) pipeline_sync;
  decltype(&PQresultStatus) result_status;
  decltype(&PQresultErrorField) error_field;
  decltype(&PQcmdStatus) command_status;
  decltype(&PQcmdTuples) command_tuples;
  decltype(&PQntuples) rows;
  decltype(&PQnfields) columns;
  decltype(&PQftype) type_of;
  decltype(&PQgetisnull) is_null;
  decltype(&PQgetlength) length;
  decltype(&PQgetvalue) value;
  decltype(&PQclear) clear;
};

// Loaded once, and never unloaded; null when this machine has none.
const Libpq* loaded_libpq();

}  // namespace latchkey::registry::store
