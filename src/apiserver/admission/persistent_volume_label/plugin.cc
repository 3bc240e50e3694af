// PersistentVolumeLabel gave volumes the zone that a cloud has them in. There is no cloud here, so
// it has nothing to say. Kept because command lines name it.
#include "apiserver/admission/plugin_table.h"

namespace pinnace::apiserver {

constinit const AdmissionPlugin kPersistentVolumeLabel{.name = "PersistentVolumeLabel",
                                                       .resources = "persistentvolumes",
                                                       .subresources = "",
                                                       .operations = kCreates};

}  // namespace pinnace::apiserver
