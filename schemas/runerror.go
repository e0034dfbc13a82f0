package schemas

import "fmt"

// RunError is why a run failed, and what to do about it.
type RunError struct {
	Code    string `json:"code"` // CodeExists, CodeInUse, ...
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

func (e *RunError) Error() string { return e.Message }

// Codes of a RunError.
const (
	CodeExists           = "exists"
	CodeInUse            = "in_use"
	CodeTooLate          = "too_late"
	CodeNotRunning       = "not_running"
	CodeShrink           = "shrink"
	CodeNothingLearned   = "nothing_learned"
	CodeSourceTooSmall   = "source_too_small"
	CodeSegmentGone      = "segment_gone"
	CodeUnknownSegment   = "unknown_segment"
	CodeUnknownExpansion = "unknown_expansion"
	CodeUnknownPreset    = "unknown_preset"
	CodeBadField         = "bad_field"
	CodeBadValue         = "bad_value"
	CodeCycle            = "cycle"
	CodeInternal         = "internal" // a mistake of kindred itself
)

// Refuse returns the error of a run that cannot be. The message says what and where, the hint the way out.
func Refuse(code, hint, format string, args ...any) *RunError {
	return &RunError{Code: code, Message: fmt.Sprintf(format, args...), Hint: hint}
}

// Internal returns the error of a run that a mistake of kindred itself has stopped: trying again would only repeat it.
func Internal(err error) *RunError {
	return Refuse(CodeInternal, "please report this; the log says more", "the run stopped: %v", err)
}
