# pinnace_protos(LIBRARY PREFIX proto...)
#
# Makes a static library of what protoc and its gRPC plugin generate from `<folder>/<name>.proto` below
# the calling folder, included as "PREFIX/<folder>/<name>.grpc.pb.h". A library of its own, so that our
# warnings need not hold there.
find_program(PROTOC protoc REQUIRED)
find_program(GRPC_CPP_PLUGIN grpc_cpp_plugin REQUIRED)
pkg_check_modules(grpc REQUIRED IMPORTED_TARGET GLOBAL grpc++ protobuf)

function(pinnace_protos library prefix)
  set(sources)
  foreach(proto ${ARGN})
    get_filename_component(folder ${proto} DIRECTORY)
    get_filename_component(name ${proto} NAME)
    set(out ${CMAKE_CURRENT_BINARY_DIR}/generated/${prefix}/${folder})
    set(made ${out}/${name}.pb.cc ${out}/${name}.pb.h ${out}/${name}.grpc.pb.cc
             ${out}/${name}.grpc.pb.h)
    add_custom_command(
      OUTPUT ${made}
      COMMAND ${CMAKE_COMMAND} -E make_directory ${out}
      COMMAND ${PROTOC} -I${CMAKE_CURRENT_SOURCE_DIR}/${folder} --cpp_out=${out} --grpc_out=${out}
              --plugin=protoc-gen-grpc=${GRPC_CPP_PLUGIN} ${name}.proto
      DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/${name}.proto
      VERBATIM)
    list(APPEND sources ${made})
  endforeach()
  add_library(${library} STATIC ${sources})
  target_compile_options(${library} PRIVATE -w)
  target_include_directories(${library} SYSTEM PUBLIC ${CMAKE_CURRENT_BINARY_DIR}/generated)
  target_link_libraries(${library} PUBLIC PkgConfig::grpc)
endfunction()
