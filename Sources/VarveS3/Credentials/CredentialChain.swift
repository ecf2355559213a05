extension S3CredentialSource {
  /// The ways to come by credentials, in the order they are tried.
  func providers(_ world: CredentialWorld, region: String) -> [any CredentialProvider] {
    switch kind {
    case .fixed(let given): [FixedProvider(given: given)]
    case .chain(let profile?):
      [ProfileProvider(world: world, region: region, name: profile)]
    case .chain(nil):
      [
        EnvironmentProvider(surroundings: world.surroundings),
        WebIdentityProvider(world: world, region: region),
        ProfileProvider(world: world, region: region, name: nil),
        ContainerProvider(world: world), MachineProvider(world: world),
      ]
    }
  }
}
