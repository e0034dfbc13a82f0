package broker

var Dial = dial
