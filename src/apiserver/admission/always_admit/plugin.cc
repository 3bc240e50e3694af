// AlwaysAdmit has no objection to anything. Kept because command lines name it.
#include "apiserver/admission/plugin_table.h"

namespace pinnace::apiserver {

constinit const AdmissionPlugin kAlwaysAdmit{
    .name = "AlwaysAdmit", .resources = "", .subresources = "*", .operations = kAnyOperation};

}  // namespace pinnace::apiserver
