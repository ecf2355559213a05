/// What happens to one call of a connection to a ``SimulatedBucket``.
package enum ObjectFault: Sendable, Hashable, CaseIterable {
  /// The request never arrives; the caller knows that nothing happened.
  case refused
  /// The request is carried out, and its answer is lost.
  case answerLost
  /// The request is lost, and the caller does not know.
  case requestLost
  /// The caller gives up, and the request arrives later: see ``SimulatedBucket/deliverLateRequest()``.
  case late
  /// The caller's machine dies before the request leaves: all further calls fail as well.
  case diesBefore
  /// The caller's machine dies after the request was carried out.
  case diesAfter
  /// Nothing is changed: the bucket has no room left.
  case full
}
