package token

// ParseBasic exposes the decoder to the tests as ids and secrets.
func ParseBasic(authorization string) [][2]string {
	var pairs [][2]string
	for _, p := range parseBasic(authorization) {
		pairs = append(pairs, [2]string{p.id, p.secret})
	}
	return pairs
}

// CheckRequest exposes the decision over a form body.
func CheckRequest(body, clientID string) (scope, problem string) {
	scope, p := checkRequest(body, clientID)
	return scope, string(p)
}

// GrantScope exposes the decision over a scope.
func GrantScope(asked string, allowed []string) (granted, problem string) {
	granted, p := grantScope(asked, allowed)
	return granted, string(p)
}

// Remembered is how many tokens a Verifier remembers now.
func (v *Verifier) Remembered() int {
	v.memory.mu.Lock()
	defer v.memory.mu.Unlock()
	return len(v.memory.younger) + len(v.memory.older)
}
