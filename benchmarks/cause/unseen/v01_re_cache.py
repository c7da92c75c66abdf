import re
def unit(i): re.compile("a"*200+str(i)).match("b")
