import array
SAMPLES=array.array('d')
def unit(i):
    SAMPLES.extend([float(i)]*120) #C
