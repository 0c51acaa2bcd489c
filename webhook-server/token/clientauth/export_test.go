package clientauth

// The limit of failures.
const (
	FailureBurst    = failureBurst
	FailureInterval = failureInterval
)

// AssertionSkew is how long an assertion works beyond its exp, AssertionLifetime how long it works at most.
const (
	AssertionSkew     = assertionSkew
	AssertionLifetime = assertionLifetime
)

// ParseBasic exposes the decoder to the tests as ids and secrets.
func ParseBasic(authorization string) [][2]string {
	var pairs [][2]string
	for _, p := range parseBasic(authorization) {
		pairs = append(pairs, [2]string{p.id, p.secret})
	}
	return pairs
}

// Shrink empties the memories and makes them hold that many failures and used assertions; failures are held in two generations, and no
// assertion is kept beyond that size.
func (a *Authenticator) Shrink(size int) { a.ShrinkButKeep(size, 0) }

// ShrinkButKeep is Shrink with so many assertions kept for each client beyond the size.
func (a *Authenticator) ShrinkButKeep(size, kept int) {
	a.failures, a.replays = newFailures(size), newReplays(size, kept)
}

// RememberedFailures is how many suspects are remembered now.
func (a *Authenticator) RememberedFailures() int {
	a.failures.mu.Lock()
	defer a.failures.mu.Unlock()
	return len(a.failures.younger) + len(a.failures.older)
}

// RememberedAssertions is how many used assertions are remembered now.
func (a *Authenticator) RememberedAssertions() int {
	a.replays.mu.Lock()
	defer a.replays.mu.Unlock()
	return a.replays.total
}
