package import Varve

/// The error that `body` ends with; nil where it ends well. What is no `StoreError` goes on.
package func storeFailure(_ body: () throws -> Void) throws -> StoreError? {
  do {
    try body()
    return nil
  } catch let error as StoreError {
    return error
  }
}

/// Its code.
package func storeCode(_ body: () throws -> Void) throws -> StoreError.Code? {
  try storeFailure(body)?.code
}
