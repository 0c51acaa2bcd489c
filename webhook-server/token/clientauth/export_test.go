package clientauth

// The limit of failures.
const (
	FailureBurst    = failureBurst
	FailureInterval = failureInterval
)

// AssertionSkew is how long an assertion works beyond its exp.
const AssertionSkew = assertionSkew

// ParseBasic exposes the decoder to the tests as ids and secrets.
func ParseBasic(authorization string) [][2]string {
	var pairs [][2]string
	for _, p := range parseBasic(authorization) {
		pairs = append(pairs, [2]string{p.id, p.secret})
	}
	return pairs
}

// Shrink empties the memories and makes them hold that many failures and used assertions; failures are held in two generations.
func (a *Authenticator) Shrink(size int) {
	a.failures, a.replays = newFailures(size), newReplays(size)
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
	return len(a.replays.used)
}
