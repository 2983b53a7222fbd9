# Which services the program knows without a user's models, and where those come from: botocore of
# the project's own Python environment (scripts/models), else Debian's python3-botocore, which is
# older. Sets HALLMARK_AWS_MODELS_FILE, which the build makes.
set(services ec2 ebs ssm sts s3 sns sesv2 servicecatalog config events cloudformation lambda iam kms
  organizations inspector2 inspector-scan secretsmanager autoscaling)

file(GLOB own_botocore ${PROJECT_SOURCE_DIR}/.venv/lib/python3*/site-packages/botocore)
set(botocore "")
foreach(candidate IN LISTS own_botocore ITEMS /usr/lib/python3/dist-packages/botocore)
  if(NOT botocore AND EXISTS ${candidate}/data)
    set(botocore ${candidate})
  endif()
endforeach()
if(NOT botocore)
  message(FATAL_ERROR "No botocore, whose models of the AWS services are embedded: run scripts/setup")
endif()
file(STRINGS ${botocore}/__init__.py version REGEX "^__version__")
string(REGEX REPLACE "[^0-9.]" "" version "${version}")
if(botocore IN_LIST own_botocore)
  message(STATUS "AWS models: botocore ${version}")
else()
  message(STATUS "AWS models: Debian's botocore ${version}; newer operations are missing. scripts/models gets newer ones")
endif()

find_program(HALLMARK_PYTHON NAMES python3 REQUIRED)
set(HALLMARK_AWS_MODELS_FILE ${CMAKE_CURRENT_BINARY_DIR}/models.bin)
set(pack ${CMAKE_CURRENT_SOURCE_DIR}/models/pack.py)
add_custom_command(OUTPUT ${HALLMARK_AWS_MODELS_FILE}
  COMMAND ${HALLMARK_PYTHON} ${pack} ${botocore} ${HALLMARK_AWS_MODELS_FILE} ${services}
  DEPENDS ${pack} ${botocore}/__init__.py VERBATIM
  COMMENT "Packing the AWS models of botocore ${version}")
set_source_files_properties(models/embedded.cc PROPERTIES
  OBJECT_DEPENDS ${HALLMARK_AWS_MODELS_FILE}
  COMPILE_DEFINITIONS "HALLMARK_AWS_MODELS_FILE=\"${HALLMARK_AWS_MODELS_FILE}\"")
