"""What is told, when and in which words: one vocabulary for the bot and for the evaluator outside it.

`kinds` names what can be told; `conditions` say, over one `Present`, what calls for it; `state_machine`
remembers and decides what is told; `wording` puts it into one message. Standard library and memmon's own
plain values only: the recording side loads this.
"""
