# What other_clients_test.py runs with Debian's ruby-kubeclient. Argument 1: the kubeconfig.
require 'kubeclient'

config = Kubeclient::Config.read(ARGV[0])
context = config.context
client = Kubeclient::Client.new(context.api_endpoint, context.api_version || 'v1',
                                ssl_options: context.ssl_options, auth_options: context.auth_options)

made = client.create_config_map(
  Kubeclient::Resource.new(metadata: { name: 'ruby', namespace: 'default', labels: { by: 'ruby' } },
                           data: { color: 'red' }))
puts "created #{made.metadata.name}"
version = client.get_config_maps(namespace: 'default').resourceVersion
Thread.new do
  client.patch_config_map('ruby', { data: { color: 'blue' } }, 'default')
end
client.watch_config_maps(namespace: 'default', label_selector: 'by=ruby', resource_version: version) do |notice|
  puts "watched #{notice.type} #{notice.object.data.color}"
  break
end
begin
  client.get_config_map('none', 'default')
rescue Kubeclient::ResourceNotFoundError => error
  puts "refused #{error.error_code}: #{error.message}"
end
client.delete_config_map('ruby', 'default')
puts "left #{client.get_config_maps(namespace: 'default', label_selector: 'by=ruby').length}"
